"""Models that answer: the router and what it tells of each call."""

from decimal import Decimal
from typing import Protocol

from nofx_cli.domain.models import EditFormat, ModelReply, ModelRequest, Usage
from nofx_cli.domain.record import record
from nofx_cli.ports.processes import Cancellation


@record
class ModelCall:
    """One HTTP request that is about to be sent, with the most that it can cost.

    Attributes:
        model: `<provider>/<model>`.
        number: from 1, counted over all models and repetitions of one question.
        most_input_tokens: a bound: no request has more tokens than bytes, and a few for each message.
        most_usd: the price of the bounds; None where the price of the model is not known.
    """

    model: str
    number: int
    most_input_tokens: int
    most_output_tokens: int
    most_usd: Decimal | None


@record
class CallEnd:
    """How a call ended.

    Attributes:
        error: empty where it was answered; else what went wrong, in the provider's words where it said any.
        status: the HTTP status, 0 where there was none.
        usage: what is unknown is None. An HTTP error that came instead of an answer has used nothing: all zero.
        cost_usd: None where it is not known; then the whole of what was reserved counts as spent.
        first_token_ms: 0 where none came.
    """

    error: str = ""
    status: int = 0
    usage: Usage = Usage()
    cost_usd: Decimal | None = None
    duration_ms: int = 0
    first_token_ms: int = 0


class CallWatch(Protocol):
    """Whoever asks is told of every call, before and after it."""

    def before(self, call: ModelCall) -> None:
        """The call is about to be sent; whatever this raises goes to who asked, and nothing is sent."""
        ...

    def after(self, call: ModelCall, end: CallEnd, reply: ModelReply | None) -> None:
        """The call has ended; called for every `before` that raised nothing, also where the step was cancelled.

        `reply` is None where there was none. It is called before `Models.ask` returns, so that the answer is kept
        before anybody acts on it.
        """
        ...

    def text(self, piece: str) -> None:
        """A piece of an answer came in. What a call that broke off had said is not the answer."""
        ...


class Models(Protocol):
    """The router. Its methods may be called from several threads at a time."""

    def route(self, request: ModelRequest) -> tuple[str, ...]:
        """The models that would be tried, in order; nothing is sent, and no key is looked for.

        Raises:
            errors.InvalidInput: the route or the model is not configured (codes `no-model`, `unknown-provider`); the
                hint names the variables and the settings that would mend it, and a local Ollama if one answers.
        """
        ...

    def edit_format(self, model: str) -> EditFormat:
        """How that model is asked to write changes: what `nofx.yaml` says, else what suits it."""
        ...

    def ask(
        self, request: ModelRequest, models: tuple[str, ...], *, watch: CallWatch, cancellation: Cancellation
    ) -> ModelReply:
        """Ask the first of `models`; on failures that may pass again, on others the next one.

        Raises:
            errors.Unavailable: none of them answered (code `model-unavailable`, or `model-timeout` where the last
                failure was a time limit); the message has each one's last words.
            errors.InvalidInput: all refused the request as it is (code `model-refused-request`), or there is no key
                (code `model-key-missing`), or the answer never fitted the schema (code `answer-not-valid`).
            StepCancelled: `cancellation` came; the call was ended.
        """
        ...
