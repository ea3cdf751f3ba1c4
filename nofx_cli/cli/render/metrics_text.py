"""Metrics in the text format of Prometheus, version 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from collections.abc import Iterable, Iterator

from nofx_cli.domain.ids import JsonObject
from nofx_cli.engine.collect_metrics import Family, Sample
from nofx_cli.safety.terminal_text import neutralise


def lines(families: Iterable[Family]) -> Iterator[str]:
    """The exposition, line by line."""
    for family in families:
        yield f"# HELP {family.name} {_escaped(family.help)}"
        yield f"# TYPE {family.name} {family.kind}"
        for sample in family.samples:
            yield f"{family.name}{sample.suffix}{_labels(sample)} {_number(sample.value)}"


def as_json(families: Iterable[Family]) -> list[JsonObject]:
    """The fields that scripts rely on; a test pins them."""
    return [
        {
            "name": family.name,
            "type": family.kind,
            "help": family.help,
            "samples": [
                {"name": family.name + sample.suffix, "labels": dict(sample.labels), "value": sample.value}
                for sample in family.samples
            ],
        }
        for family in families
    ]


def _labels(sample: Sample) -> str:
    if not sample.labels:
        return ""
    told = (f'{name}="{_quoted(neutralise(value, keep_newlines=True))}"' for name, value in sample.labels)
    return "{" + ",".join(told) + "}"


def _quoted(value: str) -> str:
    return _escaped(value).replace('"', '\\"')


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
