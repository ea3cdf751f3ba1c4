"""Which attempt made what, and after which others."""

from collections.abc import Iterable, Mapping

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import Digest, RunId, StepName
from nofx_cli.domain.lineage import Product, products_of
from nofx_cli.domain.outcome import StepError
from nofx_cli.domain.plan import Plan, Step

RUN = RunId("20260101-120000-aaaaaa")


def _plan(needs: Mapping[str, tuple[str, ...]]) -> Plan:
    steps = [Step(StepName(name), "test:echo", tuple(map(StepName, above))) for name, above in needs.items()]
    return Plan(tuple(steps), Digest("0" * 64))


def _products(plan: Plan, entries: Iterable[tuple[ev.Payload, str, int]]) -> tuple[Product, ...]:
    actor = ev.Actor("user", "ada")
    return products_of(
        plan,
        [
            ev.Event(seq, "2026-01-01T12:00:00.000000Z", RUN, StepName(step), attempt or None, actor, payload, "", b"")
            for seq, (payload, step, attempt) in enumerate(entries, 1)
        ],
    )


def _done(step: str, attempt: int = 1, **outputs: str) -> list[tuple[ev.Payload, str, int]]:
    return [
        (ev.StepStarted("test:echo", "key", "d" * 64), step, attempt),
        (ev.StepFinished(outputs=outputs), step, attempt),
    ]


def _sources(products: Iterable[Product]) -> dict[str, list[str]]:
    return {
        f"{made.step}#{made.attempt}": [f"{source.step}#{source.attempt}" for source in made.sources]
        for made in products
    }


def test_sources_are_the_nearest_that_left_something() -> None:
    plan = _plan({"a": (), "b": ("a",), "c": ("b",), "d": ("c", "a")})
    entries = [*_done("a", x="1"), *_done("b"), *_done("c", y="2"), *_done("d", z="3")]
    assert _sources(_products(plan, entries)) == {"a#1": [], "c#1": ["a#1"], "d#1": ["a#1", "c#1"]}


def test_a_step_done_again_stands_on_what_was_there_then() -> None:
    plan = _plan({"a": (), "b": ("a",)})
    again: list[tuple[ev.Payload, str, int]] = [(ev.StepReset(), "a", 0), (ev.StepReset(), "b", 0)]
    entries = [*_done("a", x="1"), *_done("b", y="1"), *again, *_done("a", 2, x="2"), *_done("b", 2, y="2")]
    assert _sources(_products(plan, entries)) == {"a#1": [], "b#1": ["a#1"], "a#2": [], "b#2": ["a#2"]}


def test_a_step_that_was_reset_and_left_nothing_then_is_no_source() -> None:
    plan = _plan({"a": (), "b": ("a",)})
    entries = [*_done("a", x="1"), (ev.StepReset(), "a", 0), *_done("a", 2), *_done("b", y="1")]
    assert _sources(_products(plan, entries)) == {"a#1": [], "b#1": []}


def test_a_failed_attempt_may_leave_artifacts() -> None:
    started, kept = ev.StepStarted("shell"), ev.ArtifactCreated("core")
    again = ev.StepRetryScheduled(StepError("exit-code", "3"), 0, "2026-01-01T12:00:00.000000Z")
    entries: list[tuple[ev.Payload, str, int]] = [(started, "a", 1), (kept, "a", 1), (again, "a", 1), *_done("a", 2)]
    (made,) = _products(_plan({"a": ()}), entries)
    assert (made.attempt, made.artifacts) == (1, (kept,))


def test_a_step_that_the_plan_does_not_have_is_told_without_sources() -> None:
    (made,) = _products(_plan({"a": ()}), _done("b", x="1"))
    assert (made.step, made.sources) == ("b", ())


def test_a_long_chain_that_leaves_nothing_is_walked_once() -> None:
    names = [f"s{number}" for number in range(5_000)]
    plan = _plan({name: (names[place - 1],) if place else () for place, name in enumerate(names)})
    entries = [entry for name in names[:-1] for entry in _done(name)]
    assert _sources(_products(plan, [*entries, *_done(names[-1], x="1")])) == {"s4999#1": []}
