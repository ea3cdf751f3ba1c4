"""One question of a step to a model: from the archive, or asked, within the budgets and on record.

    1. the answer lies in the archive: llm.responded (archived), nothing is sent
    2. llm.requested: the most that a call can cost is reserved  ── crash ──▶ it counts as spent, in full
    3. the call is sent                                          ── crash ──▶ the same; it may have been answered
    4. the answer is put into the archive, durably               ── crash ──▶ the next attempt finds it there
    5. llm.responded: what it did cost takes the place of that   ── crash ──▶ the next attempt finds it there
    6. the handler acts on it

So a call whose answer arrived is not paid for twice, whatever dies. An answer that led to a failure of the step is not
taken again from the archive: the next attempt would fail alike.
"""

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from nofx_cli import errors
from nofx_cli.clock import format_at
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.models import CacheUse, ModelAnswer, ModelReply, ModelRequest, request_digest
from nofx_cli.domain.state import RunState
from nofx_cli.engine.budgets import Shortage, limits_project, shortage_of_call
from nofx_cli.engine.open_run import Batch
from nofx_cli.engine.replayed import replayed_run
from nofx_cli.engine.services import Services
from nofx_cli.ports.archive import Archive, Exchange
from nofx_cli.ports.handler import StepCancelled
from nofx_cli.ports.models import CallEnd, ModelCall

if TYPE_CHECKING:
    from nofx_cli.engine.context import EngineContext


def ask_model(ctx: "EngineContext", request: ModelRequest, *, services: Services, state: RunState) -> ModelAnswer:
    """Answer a question of a step; see `StepContext.ask_model`."""
    models = services.models().route(request)
    said = request.canonical(models)
    canonical = services.mask(said)
    assert isinstance(canonical, Mapping)
    digest = request_digest(canonical)
    # What differs in a secret alone is the same when it is masked: nobody else takes the answer to such a question.
    shared = request.cache is not CacheUse.OFF and digest == request_digest(said)
    found = _archived(services, state, ctx, digest, from_others=shared and request.cache is CacheUse.USE)
    if found is not None:
        told = ev.LlmResponded(digest, found.reply.model, cost_usd=0.0, answer=found.answer, archived=True)
        ctx.append(lambda batch: batch.add(told, ctx.step, ctx.attempt))
        _tell(ctx, found.reply.text)
        return ModelAnswer(found.reply, digest, archived=True)
    watch = _Watch(ctx, services, canonical=canonical, digest=digest, shared=shared)
    services.models().ask(request, models, watch=watch, cancellation=ctx.cancellation)
    assert watch.kept is not None, "whoever answers tells so"
    # What is kept is what counts, masked and in its canonical form: a replay is given exactly that.
    return ModelAnswer(watch.kept.reply, digest)


class _Watch:
    """Puts every call of a question on record: `ports.models.CallWatch`."""

    def __init__(
        self, ctx: "EngineContext", services: Services, *, canonical: Mapping[str, object], digest: str, shared: bool
    ) -> None:
        self._ctx, self._services, self._digest, self._shared = ctx, services, digest, shared
        self._canonical = canonical
        self._calls: dict[int, int] = {}
        self._line: list[str] = []
        self.kept: Exchange | None = None
        """The answer, once it lies in the archive."""

    def before(self, call: ModelCall) -> None:
        ctx = self._ctx
        number = self._calls[call.number] = ctx.next_call()
        usd = "" if call.most_usd is None else f"{call.most_usd:f}"
        tokens = call.most_input_tokens + call.most_output_tokens
        requested = ev.LlmRequested(self._digest, call.model, number, usd, tokens)
        short: list[Shortage] = []

        def build(batch: Batch) -> None:
            found = shortage_of_call(self._services, batch.state, batch.state.steps[ctx.step], call)
            short[:] = [found] if found else []
            if found is None:
                batch.add(requested, ctx.step, ctx.attempt)

        bounded = limits_project(self._services.rules())
        with self._services.ledger().turn() if bounded else nullcontext():
            ctx.append(build)
        if short:
            raise ctx.hold_up(short[0])

    def after(self, call: ModelCall, end: CallEnd, reply: ModelReply | None) -> None:
        self.flush()
        if end.error:
            _tell(self._ctx, f"{call.model}: {end.error}")
        self.kept = None if reply is None else self._keep(reply)
        cost = None if end.cost_usd is None else float(end.cost_usd)
        responded = ev.LlmResponded(
            self._digest,
            call.model,
            end.usage.to_json(),
            cost,
            self._calls[call.number],
            self._services.mask_text(end.error),
            self.kept.answer if self.kept else "",
            duration_ms=end.duration_ms,
        )
        try:
            self._ctx.append(lambda batch: batch.add(responded, self._ctx.step, self._ctx.attempt))
        except StepCancelled:
            if not end.error:
                raise  # what the answer cost is reserved, and it lies in the archive

    def text(self, piece: str) -> None:
        """Lines go to the log and the live view as they become whole."""
        lines, sign, rest = piece.rpartition("\n")
        if sign:
            _tell(self._ctx, "".join([*self._line, lines]))
            self._line = []
        self._line.append(rest)  # joined when it is whole: a line may come in a million pieces

    def flush(self) -> None:
        """Tell what there is of a last line."""
        if line := "".join(self._line):
            _tell(self._ctx, line)
        self._line = []

    def _keep(self, reply: ModelReply) -> Exchange:
        return self._services.archive().put(
            dict(self._canonical),  # type: ignore[arg-type]  # it is JSON
            reply,
            run=self._ctx.run_id,
            step=self._ctx.step,
            at=format_at(self._services.clock.now_us()),
            shared=self._shared,
        )


def _archived(
    services: Services, state: RunState, ctx: "EngineContext", digest: str, *, from_others: bool
) -> Exchange | None:
    archive, step = services.archive(), state.steps[ctx.step]
    replayed = replayed_run(state)
    if replayed is not None:
        return _of_replayed(services, archive, ctx, run=replayed, digest=digest, passed=step.refused)
    own = archive.answer_to(digest, run=ctx.run_id, step=ctx.step)
    if own is not None and own.at >= step.tried_since and own.answer not in step.refused:
        return own
    if not from_others:
        return None
    newest = archive.newest(digest)
    if newest is None or newest.answer in step.refused:
        return None
    return None if newest.reply.finish == "length" else newest  # the bound in nofx.yaml may be another by now


def _of_replayed(
    services: Services, archive: Archive, ctx: "EngineContext", *, run: RunId, digest: str, passed: frozenset[str]
) -> Exchange:
    """What the same step was answered in the run that is replayed: in turn, where an answer led to a failure.

    Raises:
        errors.NotFound: it was not asked that, or the answer is not in the archive any more (code `not-in-archive`).
    """
    from nofx_cli.domain.rollback import counting

    answers = [
        event.payload.answer
        for event in counting(services.store.read(run))
        if event.step == ctx.step and isinstance(event.payload, ev.LlmResponded) and event.payload.digest == digest
    ]
    in_turn = [answer for answer in answers if answer and answer not in passed] or answers[-1:]
    if not in_turn or not in_turn[0]:
        raise errors.NotFound(
            f"step {ctx.step} asks a model what it was not asked in run {run}",
            code="not-in-archive",
            hint="what it is given differs: see which files and outputs are others",
        )
    found = archive.exact(digest, in_turn[0])
    if found is None:
        raise errors.NotFound(
            f"the answer that step {ctx.step} got in run {run} is not in the archive, or is damaged there",
            code="not-in-archive",
            hint=f"nofx archive show {digest[:12]}; what was exported comes back with nofx archive import FILE",
        )
    return found


def _tell(ctx: "EngineContext", text: str) -> None:
    with suppress(OSError):  # an answer that is paid for is not lost because its log cannot be written
        ctx.log(text)
