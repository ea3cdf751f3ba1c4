"""Models that say what a test scripts: a `ports.models.Models` without a network."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from threading import Lock

from nofx_cli import errors
from nofx_cli.domain.models import EditFormat, ModelReply, ModelRequest, Usage
from nofx_cli.ports.models import CallEnd, CallWatch, ModelCall
from nofx_cli.ports.processes import Cancellation

MODEL = "fake/model"
_USAGE = Usage(100, 50)


class ScriptedModels:
    """Each question is one call. Safe to use from several threads.

    Args:
        answers: in order, or a function of the request; a `CallEnd` is a call that fails so, and another one follows.
        most_usd: what a call can cost at most; `usd` what it does cost, None where nobody tells.
    """

    def __init__(
        self,
        answers: "Sequence[str | CallEnd] | Callable[[ModelRequest], str | CallEnd]" = (),
        *,
        most_usd: str | None = "0.10",
        usd: str | None = "0.04",
        usage: Usage = _USAGE,
    ) -> None:
        self._answers, self._usage = answers, usage
        self._most_usd = None if most_usd is None else Decimal(most_usd)
        self._usd = None if usd is None else Decimal(usd)
        self._lock = Lock()
        self.requests: list[ModelRequest] = []
        """Every call that was sent."""

    def route(self, request: ModelRequest) -> tuple[str, ...]:
        return (request.model or MODEL,)

    def edit_format(self, model: str) -> EditFormat:
        return EditFormat.WHOLE

    def ask(
        self, request: ModelRequest, models: tuple[str, ...], *, watch: CallWatch, cancellation: Cancellation
    ) -> ModelReply:
        for number in range(1, 10):
            call = ModelCall(models[0], number, 600, 400, self._most_usd)
            watch.before(call)
            answer = self._next(request)
            if isinstance(answer, CallEnd):
                watch.after(call, answer, None)
                continue
            reply = ModelReply(answer, models[0], usage=self._usage, cost_usd=self._usd)
            watch.text(answer)
            watch.after(call, CallEnd(status=200, usage=self._usage, cost_usd=self._usd, duration_ms=7), reply)
            return reply
        raise errors.Unavailable("no model answered", code="model-unavailable")

    def _next(self, request: ModelRequest) -> str | CallEnd:
        with self._lock:
            self.requests.append(request)
            number = len(self.requests)
        if callable(self._answers):
            return self._answers(request)
        if number > len(self._answers):
            raise AssertionError(f"no answer is scripted for call {number}")
        return self._answers[number - 1]
