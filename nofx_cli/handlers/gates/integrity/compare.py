"""What became weaker between two snapshots, as far as it concerns a gate."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.integrity.baseline import BASELINES, more_accepted
from nofx_cli.handlers.gates.integrity.concerns import BUILT_IN, TESTS, Concerns, concerned
from nofx_cli.handlers.gates.integrity.configuration import Configuration, configuration_of
from nofx_cli.handlers.gates.integrity.markers import BY_LABEL
from nofx_cli.handlers.gates.integrity.snapshot import MOST_FILES
from nofx_cli.handlers.gates.integrity.tests_found import is_collected
from nofx_cli.handlers.gates.integrity.thresholds import weaker
from nofx_cli.handlers.gates.integrity.words import how, listed

Weakenings: TypeAlias = dict[str, list[str]]
"""What became weaker, in words, by path below the workspace."""
Seen: TypeAlias = Mapping[str, Any]

_NOTHING: Seen = {}


def weakenings(before: JsonObject, now: JsonObject, gate: str, *, own: bool = False) -> Weakenings:
    """Compare two snapshots.

    Args:
        gate: the gate's name, such as `lint`.
        own: whether it runs a command of the project, so that nobody can tell what concerns it.
    """
    return _Comparison(before, now, gate, own=own).told()


class _Comparison:
    def __init__(self, before: JsonObject, now: JsonObject, gate: str, *, own: bool) -> None:
        self._gate, self._own = gate, own
        self._before, self._now = _files(before), _files(now)
        self._newly_cut = bool(now.get("cut")) and not before.get("cut")
        gone = {path: seen.get("digest") for path, seen in self._before.items() if path not in self._now}
        self._moved_from = {
            path: next((old for old, digest in gone.items() if digest == seen.get("digest")), "")
            for path, seen in self._now.items()
            if path not in self._before
        }
        self._appeared = self._appeared_tests()

    def told(self) -> Weakenings:
        found: Weakenings = {}
        for path in sorted({*self._before, *self._now}):
            if said := list(dict.fromkeys(self._of(path))):
                found[path] = said
        if self._newly_cut:
            found["."] = [f"has more than {MOST_FILES} files now: not all of them were compared"]
        return found

    def _concerns(self, concerns: Concerns | None) -> bool:
        return concerns is not None and concerned(self._gate, concerns, own=self._own)

    def _of(self, path: str) -> Iterator[str]:
        was, now = self._before.get(path, _NOTHING), self._now.get(path, _NOTHING)
        if was == now:
            return
        configuration = configuration_of(path)
        if path in BASELINES:
            if self._concerns(BASELINES[path]):
                yield from filter(None, [self._baseline(was, now)])
        elif configuration is not None:
            yield from self._settings(configuration, was, now)
        elif self._concerns(TESTS):
            yield from self._tests(was, now)
        yield from self._markers(path, was, now)

    def _settings(self, configuration: Configuration, was: Seen, now: Seen) -> Iterator[str]:
        configures = f"(it configures gate:{self._gate})"
        if "opaque" in (was.get("kind"), now.get("kind")):
            whom = configuration.concerns if not configuration.tables else BUILT_IN
            if self._concerns(whom) and was.get("digest") != now.get("digest"):
                yield f"{how(was or None, now or None)} {configures}"
            return
        values = [self._concerning(configuration, seen) for seen in (was, now)]
        if configuration.by_lines:
            yield from _lines(*values)
        elif was and now and (values[0] or values[1] or self._concerns(configuration.concerns)):
            yield from _changed(*values)
        elif any(values) or (not configuration.tables and self._concerns(configuration.concerns)):
            yield f"{how(was or None, now or None)} {configures}"

    def _baseline(self, was: Seen, now: Seen) -> str:
        """Without one nothing is accepted."""
        none: Seen = {"entries": {}, "settings": now.get("settings")}
        same = {self._gate, "unit", "test"} if self._gate in {"unit", "test"} else {self._gate}
        return more_accepted(was or none, now, lambda gate: not gate or self._own or gate in same) if now else ""

    def _concerning(self, configuration: Configuration, seen: Seen) -> Seen:
        values: Seen = seen.get("values", {})
        return {key: value for key, value in values.items() if self._concerns(configuration.of_key(key))}

    def _tests(self, was: Seen, now: Seen) -> Iterator[str]:
        if "opaque" in (was.get("kind"), now.get("kind")) and was.get("digest") != now.get("digest"):
            yield how(was or None, now or None)
            return
        before, after = was.get("tests", {}), now.get("tests", {})
        gone = [name for name in before if name and name not in after and not self._moved(name, before[name])]
        if gone and not now:
            yield f"was removed, with {counted(len(gone), 'test')}: {listed(gone)}"
        elif gone:
            yield f"{listed(gone)} {'was' if len(gone) == 1 else 'were'} removed"
        for name, count in before.items():
            left = after.get(name, 0 if now and not name else count)
            if left < count:
                where = name or "outside of tests it"
                yield f"{where} has {counted(left, 'assertion')} instead of {count}"

    def _appeared_tests(self) -> dict[str, list[int]]:
        """The tests that are new where runners collect them, by name, each with its number of assertions."""
        found: dict[str, list[int]] = {}
        for path, seen in self._now.items():
            if seen.get("kind") == "tests" and is_collected(path):
                known = self._before.get(path, _NOTHING).get("tests", {})
                for name, count in seen["tests"].items():
                    if name not in known:
                        found.setdefault(name, []).append(count)
        return found

    def _moved(self, name: str, count: int) -> bool:
        """Whether a test stands in another file now, with no fewer assertions."""
        there = self._appeared.get(name, [])
        enough = next((other for other in there if other >= count), None)
        if enough is None:
            return False
        there.remove(enough)
        return True

    def _markers(self, path: str, was: Seen, now: Seen) -> Iterator[str]:
        if old := self._moved_from.get(path):
            was = self._before[old]
        before = was.get("markers", {})
        for label, (count, reach) in now.get("markers", {}).items():
            if label not in BY_LABEL or not self._concerns(BY_LABEL[label].concerns):
                continue
            known, known_reach = before.get(label, (0, 0))
            if count > known:
                yield f'{count - known} more "{label}"'
            elif reach > known_reach:
                yield f'"{label}" silences more than before'


def _files(snapshot: JsonObject) -> Mapping[str, Seen]:
    files = snapshot.get("files")
    return files if isinstance(files, Mapping) else {}  # type: ignore[return-value]


def _changed(before: Seen, after: Seen) -> Iterator[str]:
    for key in dict.fromkeys([*before, *after]):
        if said := weaker(key, before.get(key), after.get(key)):
            yield said


def _lines(before: Seen, after: Seen) -> Iterator[str]:
    """Of a list of what is left out; a line with `!` takes something in again."""
    more = [line for line in after if line not in before and not line.startswith("!")]
    less = [line for line in before if line not in after and line.startswith("!")]
    if more:
        yield f"{listed(more)} {'was' if len(more) == 1 else 'were'} added"
    if less:
        yield f"{listed(less)} {'was' if len(less) == 1 else 'were'} removed"
