"""Holds the pass of a gate to what its verdict rested on when the run was created."""

from collections.abc import Mapping
from dataclasses import replace

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded, Verdict, Waiting
from nofx_cli.domain.project import Weakened
from nofx_cli.domain.wording import counted
from nofx_cli.handlers.gates.integrity.compare import Weakenings, weakenings
from nofx_cli.ports.handler import StepContext

_NAMED = 3


class Watch:
    """Made before a gate's programs run: what they themselves put right, or a fellow step meanwhile, is seen too.

    Args:
        own: whether the gate runs a command of the project.
    """

    def __init__(self, ctx: StepContext, *, own: bool) -> None:
        self._ctx, self._own = ctx, own
        self._earlier = ctx.snapshots()

    def held(self, outcome: Outcome) -> Outcome:
        """The outcome of the gate; a pass is one only where nothing was weakened, or a person granted just that."""
        if not isinstance(outcome, Succeeded) or self._earlier is None:
            return outcome
        before, earlier = self._earlier
        _, now = self._ctx.snapshots() or (before, earlier)
        found = self._found(before, earlier)
        for path, said in self._found(before, now).items():
            found[path] = list(dict.fromkeys([*found.get(path, []), *said]))
        if not found:
            return outcome
        self._ctx.log("weaker than when the run was created:\n" + "\n".join(_lines(found)))
        digests = {path: _digests(path, before, earlier, now) for path in found if path != "."}
        shown: JsonObject = {
            "gate": self._ctx.tool,
            "weakened": {path: "\n".join(said) for path, said in found.items()},
            "weakened_in": digests,
        }
        return self._judged(outcome, found, shown, before.get("weakened"))

    def _found(self, before: JsonObject, now: JsonObject) -> Weakenings:
        return weakenings(before, now, self._ctx.tool.removeprefix("gate:"), own=self._own)

    def _judged(self, passed: Succeeded, found: Weakenings, shown: JsonObject, rule: JsonValue) -> Outcome:
        if rule == Weakened.TELL:
            return _told(passed, found, f"weakened: {_summary(found)}")
        if rule == Weakened.FAIL:
            return _refused(passed, found)
        if self._ctx.is_granted(shown) and self._ctx.approval is not None:
            return _told(passed, found, f"weakened as approved by {self._ctx.approval.by}")
        return Waiting(f"{self._ctx.tool} would pass, but was weakened by the run: {_summary(found)}", shown)


def _told(passed: Succeeded, found: Weakenings, words: str) -> Succeeded:
    if passed.gate is None:
        return passed
    summary = f"{passed.gate.summary}; {words}"
    counts = {**passed.gate.counts, "weakened": _count(found)}
    outputs = {**passed.outputs, "summary": summary, "weakened": _count(found)}
    return Succeeded(outputs, replace(passed.gate, summary=summary, counts=counts))


def _refused(passed: Succeeded, found: Weakenings) -> Failed:
    told = _told(passed, found, f"but weakened: {_summary(found)}")
    gate = replace(told.gate, verdict=Verdict.FAILED) if told.gate else None
    hint = "undo it, or have a person decide: `approvals: {weakened: ask}` in nofx.yaml, and a new run"
    error = StepError("gate-weakened", f"the run weakened the gate: {_summary(found)}", hint)
    return Failed(error, outputs={**told.outputs, "verdict": Verdict.FAILED.value}, gate=gate)


def _digests(path: str, before: JsonObject, earlier: JsonObject, now: JsonObject) -> dict[str, JsonValue]:
    """They bind the answer to just this content, where the words would not differ."""
    was, began, ended = (_digest(snapshot, path) for snapshot in (before, earlier, now))
    meanwhile = {} if began == ended else {"when the gate began": began}
    return {"was": was, **meanwhile, "is": ended}


def _digest(snapshot: JsonObject, path: str) -> JsonValue:
    files = snapshot.get("files")
    seen = files.get(path) if isinstance(files, Mapping) else None
    return seen.get("digest") if isinstance(seen, Mapping) else "none"


def _lines(found: Weakenings) -> list[str]:
    return [f"{path}: {words}" for path, said in found.items() for words in said]


def _count(found: Weakenings) -> int:
    return len(_lines(found))


def _summary(found: Weakenings) -> str:
    lines = _lines(found)
    more = f"; and {counted(len(lines) - _NAMED, 'more', 'more')}" if len(lines) > _NAMED else ""
    return "; ".join(lines[:_NAMED]) + more
