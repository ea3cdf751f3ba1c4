"""A strict reader of the text format of Prometheus, version 0.0.4: what it cannot read, no scraper should have to."""

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{((?:{_LABEL},?)*)\}})? ([-+]?(?:Inf|NaN|[0-9.]+(?:e[-+]?[0-9]+)?))")
_PARTS = ("_bucket", "_sum", "_count")
_UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}

Labels = tuple[tuple[str, str], ...]


@dataclass
class Metric:
    kind: str
    help: str
    samples: dict[tuple[str, Labels], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Metric]:
    """Every family by its name. An AssertionError says which line is not as it must be."""
    assert text.endswith("\n")
    assert text.isprintable() or all(char.isprintable() or char == "\n" for char in text)
    found: dict[str, Metric] = {}
    lines = iter(text[:-1].split("\n"))
    current = ""
    for line in lines:
        if line.startswith("#"):
            _, word, current, told = line.split(" ", 3)
            assert word == "HELP", line
            assert current not in found, f"{current} comes up twice"
            following = next(lines)
            assert following.startswith(f"# TYPE {current} "), following
            found[current] = Metric(following.split(" ")[3], told)
            continue
        name, labels, value = _sample(line)
        metric = found[current]
        assert name == current or (metric.kind == "histogram" and name in {current + part for part in _PARTS}), line
        assert (name, labels) not in metric.samples, f"twice: {line}"
        metric.samples[name, labels] = value
    for name, metric in found.items():
        _check(name, metric)
    return found


def _sample(line: str) -> tuple[str, Labels, float]:
    match = _SAMPLE.fullmatch(line)
    assert match, line
    labels = tuple((name, _unescaped(value)) for name, value in re.findall(_LABEL, match[2] or ""))
    assert len({name for name, _ in labels}) == len(labels), line
    return match[1], labels, float(match[5])


def _unescaped(text: str) -> str:
    return re.sub(r'\\[\\"n]', lambda found: _UNESCAPED[found[0]], text)


def _check(name: str, metric: Metric) -> None:
    assert metric.kind in {"gauge", "counter", "histogram"}, name
    assert metric.help, name
    assert (metric.kind == "counter") == name.endswith("_total"), name
    if metric.kind == "counter":
        assert all(value >= 0 for value in metric.samples.values()), name
    if metric.kind == "histogram":
        _check_histogram(name, metric)


def _check_histogram(name: str, metric: Metric) -> None:
    """In each series the buckets rise with their bounds, the last one is +Inf, and that is the count."""
    series: dict[Labels, list[tuple[float, float]]] = {}
    for (sample, labels), value in metric.samples.items():
        if sample == f"{name}_bucket":
            bounds = [float(bound) for label, bound in labels if label == "le"]
            others = tuple(pair for pair in labels if pair[0] != "le")
            series.setdefault(others, []).append((bounds[0], value))
    for labels, buckets in series.items():
        assert buckets == sorted(buckets), labels
        numbers = [value for _, value in buckets]
        assert numbers == sorted(numbers), labels
        assert buckets[-1][0] == float("inf"), labels
        assert metric.samples[f"{name}_count", labels] == buckets[-1][1]
        assert metric.samples[f"{name}_sum", labels] >= 0
