"""What a handler is asked where a run is decided: what it would do, whether it asks, what it finds out.

A handler is foreign code, and what waits for it here is not one attempt but every step of the run, or of the worker. So
none of its faults goes further than its step: also its `sys.exit()` is but a fault, and one that does not come back in
time counts as one that could not look. It changes nothing, so it is left behind.
"""

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

from nofx_cli import errors
from nofx_cli.domain.durations import format_duration
from nofx_cli.engine.context import EngineContext

_Answer = TypeVar("_Answer")
LONGEST_MS = 300_000


def ask_handler(ctx: EngineContext, call: Callable[[], _Answer], *, failed: str) -> _Answer:
    """What a call of the handler's answers.

    Args:
        failed: what could not be done where it raises, for the message.

    Raises:
        errors.NofxError: it raised that.
        errors.InvalidInput: it raised something else (code `handler-fault`).
        errors.Unavailable: it takes longer than the step may, or five minutes (code `handler-hangs`).
    """
    answers: list[_Answer] = []
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            answers.append(call())
        except BaseException as exc:  # noqa: BLE001 - it is raised again where it was asked for
            raised.append(exc)

    limit_ms = min(ctx.limit_ms, LONGEST_MS)
    asked = threading.Thread(target=copy_context().run, args=(ask,), name=f"ask {ctx.tool}", daemon=True)
    asked.start()
    asked.join(limit_ms / 1000)
    if answers:
        return answers[0]
    if not raised:
        raise errors.Unavailable(
            f"{failed}: it did not come to an end within {format_duration(limit_ms)}",
            code="handler-hangs",
            hint=f"see what {ctx.tool} waits for, then: nofx retry {ctx.run_id} --from {ctx.step}",
        )
    if isinstance(raised[0], errors.NofxError):
        raise raised[0]
    raise errors.InvalidInput(
        f"{failed}: {type(raised[0]).__name__}: {raised[0]}",
        code="handler-fault",
        hint=f"mend the handler of {ctx.tool}",
    ) from raised[0]
