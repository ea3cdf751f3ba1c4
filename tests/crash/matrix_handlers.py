"""The tools of the crash matrix; a project's `nofx_handlers/effects.py` takes its `HANDLERS` from here.

Each leaves the line `<run> <step> <attempt>` in the file `EFFECTS`, in one write. While it works it holds a lock of
its run and step below `LOCKS`, so that two executions of a step at the same time leave a line `overlap …`.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from nofx_cli.plugin import Done, Failed, Intent, NotDone, Outcome, Reconciled, StepContext, StepError, Succeeded
from tests.crash.matrix_faults import passed


class Effect:
    """`effect:<kind>`. `fails`: that many attempts fail; `pause_ms`: how long it takes."""

    def __init__(self, kind: str, *, instant: bool, rerun_safe: bool) -> None:
        self._tool, self.instant, self.rerun_safe = f"effect:{kind}", instant, rerun_safe

    def match(self, tool: str) -> bool:
        return tool == self._tool

    def run(self, ctx: StepContext) -> Outcome:
        me = f"{ctx.run_id} {ctx.step} {ctx.attempt}"
        with _alone(ctx, me):
            passed("handler: before its effect")
            time.sleep(_number(ctx, "pause_ms") / 1000)
            _leave(me)
            passed("handler: after its effect")
        if ctx.attempt <= _number(ctx, "fails"):
            return Failed(StepError("told-to", "told to fail"), retryable=True)
        return Succeeded({"attempt": ctx.attempt})


class Outside(Effect):
    """Besides, it leaves the line `outside <run> <step>`: an effect of the step, however often that is tried."""

    def run(self, ctx: StepContext) -> Outcome:
        effect = ctx.effect("line", "the file", _DIGEST)
        if effect.result is None:
            passed("effect: intended, not made")
            _leave(_outside(ctx))
            passed("effect: made, not on record")
            effect.done({})
            passed("effect: on record")
        return super().run(ctx)

    def reconcile(self, ctx: StepContext, intent: Intent) -> Reconciled:
        passed("effect: looked for")
        with open(os.environ["EFFECTS"], "a+") as file:
            file.seek(0)
            return Done() if f"{_outside(ctx)}\n" in file else NotDone()


_DIGEST = "0" * 64


def _outside(ctx: StepContext) -> str:
    return f"outside {ctx.run_id} {ctx.step}"


@contextmanager
def _alone(ctx: StepContext, me: str) -> Iterator[None]:
    fd = os.open(f"{os.environ['LOCKS']}/{ctx.run_id}.{ctx.step}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _leave(f"overlap {me}")
    try:
        yield
    finally:
        fcntl.flock(fd, fcntl.LOCK_UN)  # a child that is just being started has the descriptor, too
        os.close(fd)


def _leave(line: str) -> None:
    fd = os.open(os.environ["EFFECTS"], os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    try:
        os.write(fd, f"{line}\n".encode())
    finally:
        os.close(fd)


def _number(ctx: StepContext, name: str) -> int:
    value = ctx.inputs[name]
    assert isinstance(value, int)
    return value


HANDLERS = [
    Effect("threaded", instant=False, rerun_safe=True),
    Effect("instant", instant=True, rerun_safe=True),
    Effect("unsafe", instant=False, rerun_safe=False),
    Outside("outside", instant=False, rerun_safe=False),
]
