"""One question to models: each in turn, with pauses and repetitions, all calls on one counter that nothing resets.

A failure that may pass (`failure.Next.AGAIN`) is met by asking the same model again, up to three times in all; any
other by the next model. A part of the request that a server does not know is told in another way, which takes a call of
the counter but is no failure of the model. An answer that does not fit its schema goes back to the model with the
reason.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from nofx_cli import errors
from nofx_cli.clock import Clock, Inbox
from nofx_cli.domain.models import (
    DEFAULT_MAX_OUTPUT_TOKENS,
    ChatMessage,
    ModelReply,
    ModelRequest,
    ModelsSpec,
    Usage,
)
from nofx_cli.domain.record import record
from nofx_cli.models.exchange import Came, Sent
from nofx_cli.models.failure import Failure, Next
from nofx_cli.models.json_answer import AnswerSchema, Unfit, why_again
from nofx_cli.models.keys import Keys
from nofx_cli.models.no_answer import Tried, no_answer
from nofx_cli.models.patience import pause_ms
from nofx_cli.models.prices import Prices
from nofx_cli.models.providers import Provider, Providers
from nofx_cli.models.request_body import Manners, Prompt
from nofx_cli.ports.handler import StepCancelled
from nofx_cli.ports.models import CallEnd, CallWatch, ModelCall
from nofx_cli.ports.processes import Cancellation

if TYPE_CHECKING:
    from nofx_cli.models.wire import Wire  # an answer from the archive needs no asyncio

TRIES = 3
"""How often one model is asked at most, where it fails in a way that may pass."""
_NOTHING = Usage(0, 0, 0, 0)
_LONGEST_QUOTED = 20_000
_REFUSED_KEY = 401


class _Stop:
    """The message that the step is to stop."""


_Message: TypeAlias = "str | _Stop | Future[Came]"


@record
class Misfit:
    """An answer that does not fit its schema."""

    reason: str
    text: str


Outcome: TypeAlias = ModelReply | Failure | Misfit


@record
class Desk:
    """What all questions share.

    Attributes:
        wire: the connections, opened with the first call.
        manners: by model, how it was found that it wants to be talked to.
    """

    spec: ModelsSpec
    providers: Providers
    keys: Keys
    prices: Prices
    wire: "Callable[[], Wire]"
    clock: Clock
    manners: dict[str, Manners]


@record
class _Asked:
    """A model that is being asked. `prompt` grows with each answer that cannot be used."""

    model: str
    provider: Provider
    key: str
    prompt: Prompt


class Asking:
    """One question, until it is answered or nobody is left to ask."""

    def __init__(
        self,
        desk: Desk,
        request: ModelRequest,
        *,
        watch: CallWatch,
        cancellation: Cancellation,
        attempts: int,
        tries: int = TRIES,
    ) -> None:
        self._desk, self._request, self._watch, self._cancellation = desk, request, watch, cancellation
        self._attempts, self._tries = attempts, tries
        self._schema = None if request.schema is None else AnswerSchema(request.schema)
        self._inbox: Inbox[_Message] = Inbox()
        self._calls = 0
        self._tried: list[Tried] = []

    def ask(self, models: Sequence[str]) -> ModelReply:
        """Raises as `ports.models.Models.ask`."""
        unsubscribe = self._cancellation.subscribe(lambda: self._inbox.put(_Stop()))
        try:
            for model in models:
                reply = self._ask_model(model) if self._calls < self._attempts else None
                if reply is not None:
                    return reply
        finally:
            unsubscribe()
        raise no_answer(self._tried, models, calls=self._calls, attempts=self._attempts)

    def _ask_model(self, model: str) -> ModelReply | None:
        provider = self._desk.providers.of(model)
        try:
            key = self._desk.keys.of(provider)
        except errors.NofxError as exc:
            self._tried.append(Tried(model, 0, exc))
            return None
        asked = _Asked(model, provider, key, self._prompt(model))
        before, tries = self._calls, 0
        why: Failure | str = ""
        while tries < self._tries and self._calls < self._attempts:
            outcome = self._call(asked)
            if isinstance(outcome, ModelReply):
                return outcome
            if isinstance(outcome, Misfit):
                why = outcome.reason
                asked = replace(asked, prompt=_with_reason(asked.prompt, outcome))
            else:
                why = outcome
                if self._adapts(asked, outcome):
                    continue
                if outcome.next is Next.OTHER:
                    break
                self._pause(outcome, tries + 1)
            tries += 1
        self._tried.append(Tried(model, self._calls - before, why))
        return None

    def _prompt(self, model: str) -> Prompt:
        request, said = self._request, self._desk.spec.settings.get(model)
        bound = request.max_output_tokens or (said.max_output_tokens if said else None) or DEFAULT_MAX_OUTPUT_TOKENS
        return Prompt(request.messages, request.schema, request.temperature, bound)

    def _manners(self, asked: _Asked) -> Manners:
        return self._desk.manners.get(asked.model) or Manners.of(asked.provider)

    def _adapts(self, asked: _Asked, failure: Failure) -> bool:
        """Whether the request can be told in a way that the server may take; it is done so from now on."""
        if not failure.as_it_is:
            return False
        manners = self._manners(asked)
        body = asked.prompt.body(asked.model, manners)
        other = manners.after_refusal(failure.words, param=failure.param, body=body)
        if other is None:
            return False
        self._desk.manners[asked.model] = other
        return True

    def _pause(self, failure: Failure, tries: int) -> None:
        if tries == self._tries or self._calls == self._attempts:
            return
        clock = self._desk.clock
        wait_ms = pause_ms(failure, tries=tries, now_us=clock.now_us())
        message = clock.receive(self._inbox, timeout_ms=wait_ms, idle=True)
        if message is not None:
            raise StepCancelled(self._cancellation.reason)

    def _call(self, asked: _Asked) -> Outcome:
        if self._cancellation.reason:
            raise StepCancelled(self._cancellation.reason)
        import openai  # noqa: F401 - it takes long, and is no part of the time that a call takes

        prompt, prices, clock = asked.prompt, self._desk.prices, self._desk.clock
        tokens_in, tokens_out = prompt.most_input_tokens, prompt.max_output_tokens
        most = prices.most(asked.model, asked.provider, input=tokens_in, output=tokens_out)
        call = ModelCall(asked.model, self._calls + 1, tokens_in, tokens_out, most)
        self._watch.before(call)
        self._calls += 1
        began = clock.monotonic_ms()
        end, reply = CallEnd(error="it was ended before there was an answer"), None
        try:
            came = self._exchange(asked)
            outcome, end = self._judged(asked, came, duration_ms=_since(began, clock))
            reply = outcome if isinstance(outcome, ModelReply) else None
        except StepCancelled as exc:
            end = CallEnd(error=f"the step was stopped: {exc.reason}", duration_ms=_since(began, clock))
            raise
        finally:
            self._watch.after(call, end, reply)
        return outcome

    def _exchange(self, asked: _Asked) -> Came:
        """Send it, and pass on what comes; whatever ends this ends the call."""
        from nofx_cli.models.loop_thread import THREAD

        body = asked.prompt.body(asked.model, self._manners(asked))
        sent = Sent(asked.provider, asked.key, body, self._desk.spec.limits)
        future = THREAD.submit(self._desk.wire().call(sent, self._inbox.put))
        future.add_done_callback(self._inbox.put)
        try:
            while True:
                message = self._desk.clock.receive(self._inbox, timeout_ms=None, idle=False)
                if isinstance(message, str):
                    self._watch.text(message)
                elif isinstance(message, _Stop):
                    raise StepCancelled(self._cancellation.reason)
                elif message is not None:
                    return message.result()
        finally:
            future.cancel()

    def _judged(self, asked: _Asked, came: Came, *, duration_ms: int) -> tuple[Outcome, CallEnd]:
        if came.failure is not None:
            if came.failure.status == _REFUSED_KEY:
                self._desk.keys.forget(asked.provider)
            return came.failure, _end_of_failure(came, came.failure, duration_ms)
        counted = came.gathered.counted
        cost = self._desk.prices.cost(asked.model, asked.provider, counted)
        outcome = self._fitting(
            ModelReply(
                came.gathered.text,
                asked.model,
                came.gathered.finish,
                usage=counted.usage,
                cost_usd=cost,
                duration_ms=duration_ms,
            )
        )
        error = ""
        if isinstance(outcome, Misfit):
            error = f"the answer does not fit: {outcome.reason}"
        elif isinstance(outcome, Failure):
            error = outcome.words
        return outcome, CallEnd(error, 200, counted.usage, cost, duration_ms, came.first_token_ms)

    def _fitting(self, reply: ModelReply) -> Outcome:
        """The reply with its data, where a schema was asked for and it fits."""
        if self._schema is None:
            return reply
        if reply.finish == "refused":
            return Failure(f"it refused to answer: {reply.text}".rstrip(": "), Next.OTHER, 200)
        try:
            return replace(reply, data=self._schema.read(reply.text))
        except Unfit as exc:
            cut = ", as it was cut off at the bound of tokens" if reply.finish == "length" else ""
            return Misfit(f"{exc}{cut}", reply.text)


def _end_of_failure(came: Came, failure: Failure, duration_ms: int) -> CallEnd:
    usage, cost = (_NOTHING, Decimal(0)) if failure.unused else (Usage(), None)
    return CallEnd(failure.words, failure.status, usage, cost, duration_ms, came.first_token_ms)


def _with_reason(prompt: Prompt, misfit: Misfit) -> Prompt:
    quoted = misfit.text[:_LONGEST_QUOTED].strip() or "(nothing)"
    more = ChatMessage("assistant", quoted), ChatMessage("user", why_again(misfit.reason, prompt.schema))
    return replace(prompt, messages=(*prompt.messages, *more))


def _since(began_ms: float, clock: Clock) -> int:
    return round(clock.monotonic_ms() - began_ms)
