"""Questions of steps to models: on record, from the archive where they can be, and never paid for twice."""

import errno
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.domain.models import CacheUse, ChatMessage, ModelRequest, Usage
from nofx_cli.domain.outcome import Failed, Outcome, StepError, Succeeded
from nofx_cli.domain.plan import Retry, Step
from nofx_cli.domain.state import RunStatus
from nofx_cli.ports.handler import StepContext
from nofx_cli.ports.models import CallEnd
from nofx_cli.safety.masking import Masker
from nofx_cli.testing.models import MODEL, ScriptedModels
from nofx_cli.testing.rig import Rig


def question(text: str = "why?", cache: CacheUse = CacheUse.USE) -> ModelRequest:
    return ModelRequest((ChatMessage("user", text),), cache=cache)


def asks(ctx: StepContext) -> Outcome:
    answer = ctx.ask_model(question(str(ctx.inputs.get("text", "why?")), CacheUse(str(ctx.inputs.get("cache", "use")))))
    return Succeeded({"text": answer.text, "archived": answer.archived})


def step(name: str = "ask", tool: str = "asks", **fields: object) -> Step:
    return Step(StepName(name), tool, **fields)  # type: ignore[arg-type]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, tools={"asks": asks})


def types(rig: Rig, run: str) -> list[str]:
    return [event.type for event in rig.events(run) if event.type.startswith(("llm.", "step."))]  # type: ignore[arg-type]


def test_a_call_is_on_record_before_and_after_with_what_it_costs(rig: Rig) -> None:
    rig.models = ScriptedModels(["because"])
    run = rig.create(step())

    ending = rig.execute(run)

    assert ending.state.status is RunStatus.SUCCEEDED
    assert ending.state.steps[StepName("ask")].outputs == {"text": "because", "archived": False}
    assert types(rig, run.run) == [
        "step.enqueued", "step.started", "llm.requested", "llm.responded", "step.finished",
    ]  # fmt: skip
    requested, responded = (event.payload for event in rig.events(run.run) if event.type.startswith("llm."))
    assert isinstance(requested, ev.LlmRequested)
    assert isinstance(responded, ev.LlmResponded)
    assert (requested.model, requested.call, requested.reserved_usd, requested.reserved_tokens) == (
        MODEL, 1, "0.10", 1000,
    )  # fmt: skip
    assert responded.usage == {"input": 100, "output": 50}
    assert (responded.cost_usd, responded.digest, responded.error) == (0.04, requested.digest, "")
    assert rig.archive.exact(responded.digest, responded.answer) is not None
    spent = ending.state.spending.total
    assert (spent.usd, spent.tokens, spent.calls, spent.unknown) == (Decimal("0.04"), 150, 1, 0)


def test_the_second_run_takes_the_answer_from_the_archive_and_pays_nothing(rig: Rig) -> None:
    rig.models = models = ScriptedModels(["because"])
    rig.execute(rig.create(step()))

    again = rig.create(step())
    ending = rig.execute(again)

    assert ending.state.steps[StepName("ask")].outputs == {"text": "because", "archived": True}
    assert len(models.requests) == 1
    assert types(rig, again.run) == ["step.enqueued", "step.started", "llm.responded", "step.finished"]
    assert ending.state.spending.total.calls == 0


@pytest.mark.parametrize(("cache", "third"), [("refresh", "new"), ("off", "old")])
def test_who_asks_anew_does_and_tells_others_or_not(rig: Rig, cache: str, third: str) -> None:
    rig.models = ScriptedModels(["old", "new"])
    rig.execute(rig.create(step()))

    ending = rig.execute(rig.create(step(inputs={"cache": cache})))
    assert ending.state.steps[StepName("ask")].outputs["text"] == "new"

    last = rig.execute(rig.create(step()))
    assert last.state.steps[StepName("ask")].outputs == {"text": third, "archived": True}


def test_what_differs_in_a_secret_alone_is_not_answered_alike(rig: Rig) -> None:
    rig.models = ScriptedModels(["of ada", "of bob", "of a cat"])
    masker = Masker(["secret-of-ada", "secret-of-bob"])
    rig.services = replace(rig.services, mask=masker.data, mask_text=masker.text)

    def asked(text: str) -> object:
        return rig.execute(rig.create(step(inputs={"text": text}))).state.steps[StepName("ask")].outputs["text"]

    assert asked("whose is secret-of-ada?") == "of ada"
    assert asked("whose is secret-of-bob?") == "of bob"
    assert asked("whose is ***?") == "of a cat"


def test_an_answer_that_led_to_a_failure_is_not_taken_again(tmp_path: Path) -> None:
    def picky(ctx: StepContext) -> Outcome:
        text = ctx.ask_model(question()).text
        return Succeeded({"text": text}) if text == "good" else Failed(StepError("bad", text), retryable=True)

    rig = Rig(tmp_path, tools={"picky": picky})
    rig.models = models = ScriptedModels(["bad", "good"])

    ending = rig.execute(rig.create(step(tool="picky", retry=Retry(3, (0,)))))

    assert ending.state.steps[StepName("ask")].outputs == {"text": "good"}
    assert len(models.requests) == 2


@pytest.mark.parametrize("cache", list(CacheUse))
def test_an_attempt_that_was_cut_off_after_the_answer_finds_it(tmp_path: Path, cache: CacheUse) -> None:
    cut_off = True

    def dies(ctx: StepContext) -> Outcome:
        nonlocal cut_off
        text = ctx.ask_model(question(cache=cache)).text
        if cut_off:
            cut_off = False
            raise errors.StoreFailure("no log", code="log-not-written")  # as if its process had died here
        return Succeeded({"text": text})

    rig = Rig(tmp_path, tools={"dies": dies})
    rig.models = models = ScriptedModels(["once"])

    ending = rig.execute(rig.create(step(tool="dies")))

    assert ending.state.steps[StepName("ask")].outputs == {"text": "once"}
    assert ending.state.steps[StepName("ask")].attempt == 2
    assert len(models.requests) == 1


def test_an_answer_is_not_lost_because_its_log_cannot_be_written(tmp_path: Path) -> None:
    def with_a_full_disk(ctx: StepContext) -> Outcome:
        def log(text: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        ctx.log = log  # type: ignore[method-assign]
        return Succeeded({"text": ctx.ask_model(question()).text})

    rig = Rig(tmp_path, tools={"asks": with_a_full_disk})
    rig.models = ScriptedModels(["one\ntwo"])
    run = rig.create(step())

    ending = rig.execute(run)

    assert ending.state.steps[StepName("ask")].outputs == {"text": "one\ntwo"}
    assert "llm.responded" in types(rig, run.run)


def test_calls_that_fail_are_each_on_record_and_what_nobody_knows_counts_in_full(rig: Rig) -> None:
    rig.models = ScriptedModels(
        [
            CallEnd("HTTP 500: overloaded", 500, Usage(0, 0), Decimal(0)),
            CallEnd("the connection broke"),
            "finally",
        ]
    )
    ending = rig.execute(run := rig.create(step()))

    told = [event.payload for event in rig.events(run.run) if isinstance(event.payload, ev.LlmResponded)]
    assert [(one.error, one.cost_usd, one.call) for one in told] == [
        ("HTTP 500: overloaded", 0.0, 1), ("the connection broke", None, 2), ("", 0.04, 3),
    ]  # fmt: skip
    spent = ending.state.spending.total
    assert (spent.usd, spent.calls, spent.unknown) == (Decimal("0.14"), 3, 1)
    assert spent.tokens == 0 + 1000 + 150


def test_what_a_cancelled_attempt_would_put_on_record_is_refused(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tools={"asks": asks})
    run = rig.create(step())

    def answer(_request: ModelRequest) -> str:
        rig.append(run.run, ev.RunCancelled("by another terminal"))
        return "too late"

    rig.models = ScriptedModels(answer)
    ending = rig.execute(run)

    assert ending.state.status is RunStatus.CANCELLED
    assert types(rig, run.run)[-1] == "llm.requested"
    assert ending.state.spending.total.usd == Decimal("0.10"), "it may have cost all that was reserved"
