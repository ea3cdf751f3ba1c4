"""`nofx show`: a run, one step of it, and where it comes from."""

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import digest_of
from nofx_cli.domain.outcome import StepError
from tests.cli.console import (
    ADA,
    COMMAND,
    EVIL,
    FAILURE,
    RUN,
    STARTED,
    TWO_STEPS,
    Console,
    Records,
    failure,
    harmless,
    success,
)

NEEDS = """\
version: 1
steps:
  - {name: fetch, tool: "test:echo", needs: []}
  - {name: notes, tool: "test:echo", needs: [fetch]}
  - {name: ask, tool: "manual:release", needs: [notes]}
  - {name: publish, tool: "test:echo", needs: [ask]}
"""


def _failed(records: Records) -> None:
    gate = ev.GateEvaluated("gate:unit", "failed", "blocking", "1 of 40 tests failed", {"tests": 40, "failed": 1})
    *begun, ended = failure("check")
    records.add(
        TWO_STEPS,
        [STARTED, *success("build", version="1.2")],
        [*begun, (gate, "check", 1), ended],
        [ev.RunFailed("check", 1, FAILURE, f"nofx retry {RUN} --from check", 3_000, {"succeeded": 1, "failed": 1})],
    )


def test_a_failed_run_says_why_and_what_to_type(cli: Console, records: Records) -> None:
    _failed(records)
    shown = cli.ok("show")
    assert f"run {RUN}  failed in 2.0s" in shown
    assert "failed: check#1: [exit-code] exited with 3\n  hint: look at the log" in shown
    assert shown.endswith(f"next: nofx retry {RUN} --from check\n")
    rows = [line.split(maxsplit=5) for line in shown.splitlines() if line.startswith(("build", "check"))]
    assert rows[0] == ["build", "succeeded", "1", "1.5s", "test:echo"]
    assert rows[1][:4] == ["check", "failed", "1", "20ms"]
    assert rows[1][5].endswith("failed: 1 of 40 tests failed")


def test_the_fields_are_pinned(cli: Console, records: Records) -> None:
    _failed(records)
    shown = cli.json("show", RUN)
    assert set(shown) == {
        "run", "status", "exit_code", "duration_ms", "steps", "waiting", "failure", "live", "queued", "executor",
        "plan", "plan_fault", "goal", "params", "workspace", "origin", "idempotency_key", "nofx", "actor", "created_at",
        "started_at", "ended_at", "cancel_reason", "rolled_back", "artifacts", "effects", "cost", "next", "head",
    }  # fmt: skip
    assert shown["cost"] is None
    assert (shown["run"], shown["status"], shown["exit_code"], shown["live"]) == (RUN, "failed", 1, False)
    assert shown["actor"] == {"kind": "user", "id": "ada"}
    assert shown["next"] == [f"nofx retry {RUN} --from check"]
    assert shown["head"] == {"seq": 10, "digest": records.store.head(RUN).digest}
    assert shown["started_at"] == "2026-01-01T12:00:01.000000Z"


def test_what_was_changed_outside_is_told_and_what_of_it_is_not_known(cli: Console, records: Records) -> None:
    told = (
        ev.EffectIntended("git.push", "origin notes", "ab" * 32),
        ev.EffectDone("git.push", "origin notes", {"commit": "c0ffee"}, "ab" * 32),
        ev.EffectIntended("mail", "ada", "cd" * 32),
        ev.EffectIntended("call", "api", "ef" * 32),
        ev.EffectUnknown("call", "api", "hung"),
    )
    begun = (STARTED, (ev.StepEnqueued(), "build"), (ev.StepStarted("x"), "build", 1))
    records.add(TWO_STEPS, [*begun, *((payload, "build", 1) for payload in told)])

    rows = [line.split(maxsplit=5) for line in cli.ok("show").splitlines() if line.startswith("build")][1:]

    assert rows == [
        ["build", "git.push", "origin", "notes", "done", "commit=c0ffee"],
        ["build", "mail", "ada", "open", "whether", "it was made is not known"],
        ["build", "call", "api", "unclear", "hung"],
    ]
    first, second, third = cli.json("show", RUN)["effects"]
    assert first == {
        "step": "build", "kind": "git.push", "target": "origin notes", "digest": "ab" * 32, "attempt": 1,
        "status": "done", "known": None, "result": {"commit": "c0ffee"},
    }  # fmt: skip
    assert (second["status"], second["result"], third["status"], third["known"]) == ("open", None, "unclear", "hung")


def test_a_waiting_run_says_for_what(cli: Console, records: Records) -> None:
    asked = ev.ApprovalRequested("ab" * 32, "Deploy to production?")
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build"), (asked, "build"), ev.RunWaiting(("build",))])
    shown = cli.ok("show")
    assert "waits: build: Deploy to production?" in shown
    assert shown.endswith(f"next: nofx approve build --run {RUN}\n")


def test_an_interrupted_run_is_told_apart_from_a_living_one(cli: Console, records: Records) -> None:
    begun, started, _ = success("build")
    records.add(TWO_STEPS, [STARTED, begun, started])
    shown = cli.ok("show")
    assert f"run {RUN}  interrupted" in shown
    assert shown.endswith(f"next: nofx resume {RUN}\n")
    with records.liveness.hold(RUN):
        living = cli.ok("show")
    assert f"run {RUN}  running for " in living
    assert "next:" not in living


def test_a_cancelled_run_says_why(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build")], [ev.RunCancelled("wrong branch")])
    shown = cli.ok("show")
    assert "cancelled: wrong branch" in shown
    assert [line.split()[1] for line in shown.splitlines() if line.startswith(("build", "check"))] == ["cancelled"] * 2


def test_why_a_step_was_skipped(cli: Console, records: Records) -> None:
    skipped = ev.StepSkipped(ev.SkipReason.NEED_FAILED, "build")
    records.add(TWO_STEPS, [STARTED, *failure("build"), (skipped, "check")])
    (row,) = [line for line in cli.ok("show").splitlines() if line.startswith("check")]
    assert row.split() == ["check", "skipped", "test:echo", "build", "failed"]


def test_a_run_whose_plan_cannot_be_read_is_still_shown(cli: Console, records: Records) -> None:
    _failed(records)
    (records.layout.run(RUN) / "plan.yaml").write_text("steps: [")
    shown = cli.ok("show")
    assert "the plan cannot be read any more" in shown
    assert [line.split()[0] for line in shown.splitlines() if line.startswith(("build", "check"))] == ["build", "check"]
    assert cli.json("show")["plan_fault"]


def test_a_step_with_all_its_attempts(cli: Console, records: Records) -> None:
    begun, started, _ = failure("build")
    again = ev.StepRetryScheduled(FAILURE, 2_000, "2026-01-01T12:00:03.000000Z", 20)
    _, started_again, done = success("build", attempt=2, version="1.2")
    records.add(TWO_STEPS, [STARTED, begun, started], [(again, "build", 1)], [started_again], [done])
    shown = cli.ok("show", "--step", "build")
    assert "attempt 1  2026-01-01 12:00:01  retry_scheduled: again in 2.0s: [exit-code] exited with 3" in shown
    assert 'attempt 2  2026-01-01 12:00:03  finished: succeeded in 1.5s, version="1.2"' in shown
    step = cli.json("show", "--step", "build")
    assert set(step) == {
        "run", "step", "tool", "needs", "status", "attempt", "inputs_digest", "outputs", "error", "cause", "gate",
        "approval", "attempts", "artifacts", "cost",
    }  # fmt: skip
    assert [(found["attempt"], found["ended_with"]) for found in step["attempts"]] == [
        (1, "step.retry_scheduled"),
        (2, "step.finished"),
    ]


def test_who_answered(cli: Console, records: Records) -> None:
    asked = ev.ApprovalRequested("ab" * 32, "Deploy?")
    records.add(TWO_STEPS, [STARTED, (ev.StepEnqueued(), "build"), (asked, "build")])
    records.append(RUN, (ev.ApprovalGranted("ab" * 32, "checked twice"), "build"), seconds=9)
    assert "granted by ada at 2026-01-01 12:00:09: checked twice" in cli.ok("show", "-s", "build")
    approval = cli.json("show", "-s", "build")["approval"]
    assert (approval["decision"], approval["by"], approval["note"]) == ("granted", ADA.id, "checked twice")


def test_a_step_that_the_run_does_not_have(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    result = cli("show", "--step", "biuld")
    assert result.exit_code == 4
    assert "did you mean build?" in result.stderr


def _with_products(records: Records) -> None:
    origin = {"kind": "rerun", "run": "20251231-120000-zzzzzz"}
    workspace = {"path": "/w", "mode": "in_place", "commit": "4fa3" * 10, "branch": "main", "dirty": True}
    made = records.created(NEEDS, origin=origin, workspace=workspace, params={"since": "v1"})
    records.add(NEEDS, created=made)
    records.append(RUN, STARTED, *success("fetch", tag="v2"))
    begun, started, done = success("notes")
    kept = records.artifact("notes.md", b"what is new", step="notes")
    records.append(RUN, begun, started, (kept, "notes", 1), done)
    records.append(RUN, *success("ask"))
    begun, started, done = success("publish")
    kept = records.artifact("page.html", b"<p>", step="publish")
    records.append(RUN, begun, started, (kept, "publish", 1), done)


def test_lineage_follows_products_through_steps_that_left_nothing(cli: Console, records: Records) -> None:
    _with_products(records)
    lineage = cli.json("show", "--lineage")
    assert set(lineage) == {"run", "plan", "params", "workspace", "idempotency_key", "origins", "products", "head"}
    assert lineage["origins"] == [{"kind": "rerun", "run": "20251231-120000-zzzzzz", "there": False}]
    assert [(made["step"], made["from"]) for made in lineage["products"]] == [
        ("fetch", []),
        ("notes", [{"step": "fetch", "attempt": 1}]),
        ("publish", [{"step": "notes", "attempt": 1}]),
    ]
    fetch, notes, _ = lineage["products"]
    assert (fetch["outputs"], fetch["outputs_digest"]) == (["tag"], digest_of({"tag": "v2"}))
    assert (notes["inputs_digest"], notes["artifacts"][0]["name"]) == ("44" * 32, "notes.md")


def test_lineage_for_people(cli: Console, records: Records) -> None:
    _with_products(records)
    shown = cli.ok("show", "--lineage")
    assert "/w at 4fa34fa34fa3 (main), with changes" in shown
    assert "rerun of 20251231-120000-zzzzzz (not in this store any more)" in shown
    assert "publish#1  test:echo  2026-01-01 12:01:00  inputs 444444444444\n  from      notes#1\n" in shown


def test_lineage_follows_a_chain_of_reruns(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, run="20251230-120000-yyyyyy")
    chain = {"20251231-120000-zzzzzz": "20251230-120000-yyyyyy", RUN: "20251231-120000-zzzzzz"}
    for run, before in chain.items():
        made = records.created(TWO_STEPS, origin={"kind": "rerun", "run": before})
        records.add(TWO_STEPS, run=run, created=made)
    origins = cli.json("show", "--lineage")["origins"]
    assert [(origin["run"], origin["there"]) for origin in origins] == [
        ("20251231-120000-zzzzzz", True),
        ("20251230-120000-yyyyyy", True),
    ]


def test_lineage_and_step_do_not_go_together(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    assert cli("show", "--lineage", "--step", "build").exit_code == 2


@pytest.mark.parametrize("words", [["show"], ["show", "--step", "check"], ["show", "--lineage"]])
def test_foreign_text_is_harmless(cli: Console, records: Records, words: list[str]) -> None:
    evil = StepError(EVIL, f"{EVIL}\n{COMMAND}", EVIL)
    created = records.created(TWO_STEPS, goal=EVIL, params={"who": EVIL}, workspace={"path": EVIL, "commit": EVIL})
    records.add(TWO_STEPS, created=created)
    kept = ev.ArtifactCreated(EVIL, "artifacts/x", EVIL, 3, EVIL)
    asked = ev.ApprovalRequested("ab" * 32, f"{COMMAND}{EVIL}")
    records.append(RUN, STARTED, *success("build", out=EVIL), *failure("check", evil), (kept, "check", 1))
    records.append(RUN, (ev.StepReset(), "build"), (ev.StepEnqueued(), "build"), (asked, "build"))
    records.append(RUN, ev.RunFailed("check", 1, evil, EVIL))
    shown = cli.ok(*words)
    assert harmless(shown)
    assert not any(line.lstrip().startswith("::") for line in shown.splitlines())
    assert "gpj.exe" in shown


def test_no_such_run(cli: Console) -> None:
    assert cli("show").exit_code == 4
    assert cli("show", "nothing").exit_code == 4
