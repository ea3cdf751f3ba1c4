"""Where things come from: which attempt made which artifact, from which inputs, and after which other attempts.

A product is an attempt that left something behind: artifacts or outputs. Its sources are the nearest products
among the steps that it needs, directly or through steps that left nothing. The sources of a source stand with that
source, so the whole ancestry of an artifact can be followed from product to product.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import Digest, JsonObject, StepName, digest_of
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.record import record


@record
class Source:
    """An earlier attempt that a product stands on."""

    step: StepName
    attempt: int


@record
class Product:
    """What one attempt left behind. `outputs_digest` is of the canonical JSON of its outputs, empty without any."""

    step: StepName
    attempt: int
    tool: str
    at: str
    inputs_digest: str
    idempotency_key: str
    outputs: tuple[str, ...] = ()
    outputs_digest: Digest | str = ""
    artifacts: tuple[ev.ArtifactCreated, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(slots=True)
class _Attempt:
    number: int
    started: ev.StepStarted
    artifacts: list[ev.ArtifactCreated] = field(default_factory=list)


def products_of(plan: Plan, events: Iterable[ev.Event]) -> tuple[Product, ...]:
    """The products of a run, in the order in which they were made; also those of attempts that were done again.

    Attempts of steps that the plan does not have are told without sources.
    """
    made: list[Product] = []
    newest: dict[StepName, Product] = {}
    running: dict[StepName, _Attempt] = {}
    for event in events:
        step = event.step
        if step is None:
            continue
        match event.payload:
            case ev.StepStarted() as started:
                running[step] = _Attempt(event.attempt or 0, started)
            case ev.ArtifactCreated() as artifact if step in running:
                running[step].artifacts.append(artifact)
            case ev.StepFinished() | ev.StepRetryScheduled() as ended if step in running:
                attempt = running.pop(step)
                outputs = ended.outputs if isinstance(ended, ev.StepFinished) else {}
                if attempt.artifacts or outputs:
                    newest[step] = _product(event, attempt, outputs, _sources(plan, step, newest))
                    made.append(newest[step])
            case ev.StepReset():
                newest.pop(step, None)
            case _:
                pass
    return tuple(made)


def _product(event: ev.Event, attempt: _Attempt, outputs: JsonObject, sources: tuple[Source, ...]) -> Product:
    assert event.step is not None
    return Product(
        step=event.step,
        attempt=attempt.number,
        tool=attempt.started.tool,
        at=event.at,
        inputs_digest=attempt.started.inputs_digest,
        idempotency_key=attempt.started.idempotency_key,
        outputs=tuple(outputs),
        outputs_digest=digest_of(outputs) if outputs else "",
        artifacts=tuple(attempt.artifacts),
        sources=sources,
    )


def _sources(plan: Plan, step: StepName, newest: dict[StepName, Product]) -> tuple[Source, ...]:
    if step not in plan.index:
        return ()
    found: dict[StepName, Source] = {}
    seen = set(plan.step(step).needs)
    ahead = list(plan.step(step).needs)
    while ahead:
        name = ahead.pop()
        if name in newest:
            found[name] = Source(name, newest[name].attempt)
            continue
        more = [need for need in plan.step(name).needs if need not in seen]
        seen.update(more)
        ahead.extend(more)
    return tuple(found[name] for name in sorted(found, key=plan.index.__getitem__))
