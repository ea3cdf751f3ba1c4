"""`nofx rollback`: arguments, what is printed, what is asked, exit codes."""

import pytest

from nofx_cli.domain import events as ev
from tests.cli.console import RUN, STARTED, TWO_STEPS, Console, Records, harmless, success
from tests.cli.runner import ASK, ECHO, LAST, Runner
from tests.cli.terminals import pretend_terminal

PUSH = ("git.push", "origin notes")


def pushed(records: Records) -> None:
    """A run that ended, and whose second step pushed something."""
    begun, started, ended = success("check")
    told = (ev.EffectIntended(*PUSH, "ab" * 32), ev.EffectDone(*PUSH, {"commit": "c0ffee"}, "ab" * 32))
    effects = [(payload, "check", 1) for payload in told]
    records.add(
        TWO_STEPS, [STARTED, *success("build", version="1.2")], [begun, started, *effects, ended], [ev.RunSucceeded()]
    )


def test_to_a_step_tells_what_became_of_the_run_and_what_to_type(nofx: Runner) -> None:
    run = nofx.run(ECHO + LAST)
    result = nofx("rollback", "--to", "build", "--reason", "wrong version")
    finished = 1 + nofx.types().index("step.finished build")
    assert result.stdout.splitlines() == [
        f"run {run} is back at event {finished}, after step build: running",
        "4 events count no more; all stay on record",
        "  last  succeeded → pending",
        "it works in your folder: files there are as they are",
    ]
    undo = nofx.types().index("run.rolled_back")
    assert result.stderr.splitlines() == [f"next: nofx resume {run}", f"undo: nofx rollback {run} --to {undo}"]
    last = nofx.events()[-1].payload
    assert isinstance(last, ev.RunRolledBack)
    assert (last.to_seq, last.reason) == (finished, "wrong version")
    nofx("resume")
    assert nofx.types().count("step.started last") == 2
    assert nofx.types().count("step.started build") == 1
    nofx("verify")


def test_undone_it_is_as_it_was(nofx: Runner) -> None:
    nofx.run(ECHO + LAST)
    before = nofx.json("show")
    undo = str(nofx.json("rollback", "--to", "build")["undo"]).split()[1:]
    nofx("resume")
    nofx(*undo)
    after = nofx.json("show")
    changed = {name for name, value in after.items() if before[name] != value}
    assert changed == {"rolled_back", "head"}
    assert nofx("resume", code=5).stderr.startswith("error[run-ended]")


def test_the_fields_are_pinned(cli: Console, records: Records) -> None:
    pushed(records)
    assert cli.json("rollback", "--to", "build", "-m", "why") == {
        "run": RUN,
        "rolled_back": True,
        "seq": 12,
        "to_seq": 5,
        "to_step": "build",
        "left_out": 6,
        "status": "running",
        "steps": [
            {"name": "build", "status": "succeeded", "before": "succeeded"},
            {"name": "check", "status": "pending", "before": "succeeded"},
        ],
        "files": "as they are",
        "tree": None,
        "not_undone": [
            {
                "step": "check", "attempt": 1, "seq": 9, "kind": "git.push", "target": "origin notes",
                "digest": "ab" * 32, "made": True, "result": {"commit": "c0ffee"},
            }
        ],
        "undo": f"nofx rollback {RUN} --to 11",
        "next": [f"nofx resume {RUN}"],
    }  # fmt: skip


def test_what_was_changed_outside_is_told_as_not_undone(cli: Console, records: Records) -> None:
    pushed(records)
    lines = cli.ok("rollback", "--to", "build").splitlines()
    assert lines[-2:] == [
        "not undone, outside of the run:",
        "  check#1  git.push  origin notes  commit=c0ffee",
    ]


def test_what_was_only_intended_is_told_as_that(cli: Console, records: Records) -> None:
    begun, started, _ = success("build")
    records.add(TWO_STEPS, [STARTED, begun, started, (ev.EffectIntended("mail", "\x1b[2Jada", "ab" * 32), "build", 1)])
    shown = cli.ok("rollback", "--to", "3")
    assert harmless(shown)
    assert shown.splitlines()[-1].endswith("intended; whether it was made is found out before the step goes on")


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 6), ("", 6)])
def test_a_person_is_asked_where_something_was_changed_outside(
    cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch, *, answer: str, code: int
) -> None:
    pushed(records)
    pretend_terminal(monkeypatch)
    from nofx_cli.cli.app import app

    result = cli.terminal.invoke(app, ["rollback", "--to", "build"], input=answer, prog_name="nofx")
    assert result.exit_code == code
    assert "git.push  origin notes" in result.stderr
    assert "roll back all the same?" in result.stderr
    assert (records.store.head(RUN).seq == 11) is (code != 0)


def test_with_yes_and_without_a_terminal_nobody_is_asked(
    cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed(records)
    assert cli("rollback", "--to", "build").exit_code == 0
    pretend_terminal(monkeypatch)
    assert cli("rollback", "--to", "11", "--yes").exit_code == 0
    assert records.store.head(RUN).seq == 13


def test_a_dry_run_changes_nothing(cli: Console, records: Records) -> None:
    pushed(records)
    shown = cli.ok("rollback", "--to", "build", "--dry-run")
    assert shown.startswith(f"run {RUN} would be back at event 5, after step build: running\n")
    told = cli.json("rollback", "--to", "build", "--dry-run")
    assert (told["rolled_back"], told["seq"], told["undo"]) == (False, None, None)
    assert records.store.head(RUN).seq == 11


def test_a_run_that_waits_again_says_whom_to_ask(nofx: Runner) -> None:
    run = nofx.run(ECHO + ASK, code=8)
    waiting = 1 + nofx.types().index("run.waiting")
    nofx("approve", "release")
    result = nofx("rollback", "--to", str(waiting))
    assert result.stderr.splitlines()[0] == f"next: nofx approve release --run {run}"
    nofx("reject", "release", "--no-resume")
    nofx("resume", code=6)


def test_what_cannot_be_rolled_back(nofx: Runner) -> None:
    nofx.run(ECHO + LAST)
    before = nofx.types()
    assert nofx.error("rollback", "--to", "bild", code=4)["hint"] == "did you mean build?"
    assert nofx.error("rollback", "--to", "99", code=4)["code"] == "event-not-found"
    assert nofx.error("rollback", "--to", str(len(before)), code=5)["code"] == "nothing-to-roll-back"
    with nofx.records.liveness.hold(nofx.runs()[0]):
        assert nofx.error("rollback", "--to", "build", code=5)["code"] == "run-is-held"
    assert "Missing option '--to'" in nofx("rollback", code=2).output
    assert nofx.types() == before


def test_it_is_shown_that_a_run_was_rolled_back(nofx: Runner) -> None:
    run = nofx.run(ECHO + LAST)
    nofx("rollback", "--to", "build", "-m", "wrong version")
    (told,) = [line for line in nofx("show").stdout.splitlines() if "rolled back  " in line]
    assert "to event 5 by " in told
    assert told.endswith(": wrong version")
    assert nofx("show").stdout.endswith(
        f"interrupted: it was rolled back, and nobody has gone on with it\n\nnext: nofx resume {run}\n"
    )
    assert nofx.json("show")["rolled_back"]["to_seq"] == 5
    nofx("resume")
    attempts = nofx.json("show", "latest", "--step", "last")["attempts"]
    assert [(told["attempt"], told["rolled_back"], told["ended_with"]) for told in attempts] == [
        (1, True, "step.finished"),
        (2, False, "step.finished"),
    ]
    assert "attempt 1, rolled back  " in nofx("show", "--step", "last").stdout


def test_an_attempt_that_ran_at_the_point_ended_by_being_cut_off(nofx: Runner) -> None:
    nofx.run(ECHO)
    nofx("rollback", "--to", str(1 + nofx.types().index("step.started build")))
    nofx("resume")
    attempts = nofx.json("show", "latest", "--step", "build")["attempts"]
    assert [told["ended_with"] for told in attempts] == ["step.interrupted", "step.finished"]


def test_who_follows_the_events_learns_how_it_stands(nofx: Runner) -> None:
    nofx.run(ECHO + LAST)
    nofx("timeline", "--exit-status")
    undo = str(nofx.json("rollback", "--to", "build")["undo"]).split()[1:]
    nofx("timeline", "--exit-status", code=1)
    nofx(*undo)
    nofx("timeline", "--follow", "--exit-status")


def test_the_lineage_is_of_what_counts(nofx: Runner) -> None:
    nofx.run(ECHO + LAST)
    nofx("rollback", "--to", "2")
    nofx("resume")
    products = nofx.json("show", "--lineage")["products"]
    assert [(made["step"], made["attempt"]) for made in products] == [("build", 2)]


def test_logs_of_attempts_that_were_rolled_back_can_be_read(nofx: Runner) -> None:
    nofx.run("  - {name: say, tool: shell, inputs: {command: 'echo said by $NOFX_ATTEMPT'}}\n" + LAST)
    nofx("rollback", "--to", "2")
    assert "said by 1" in nofx("logs", "latest", "say", "--attempt", "1").stdout
    nofx("resume")
    assert "said by 2" in nofx("logs", "latest", "say").stdout


def test_a_run_left_to_workers_goes_on_with_resume_alone(nofx: Runner) -> None:
    run = nofx.run(ECHO + LAST)
    nofx("rollback", "--to", "build")
    before = nofx.types()
    nofx("worker", "--drain")
    assert nofx.types() == before
    nofx("resume", "--detach", "--no-start-worker")
    assert nofx.types()[len(before) :] == ["run.resumed"]
    nofx("worker", "--drain")
    assert nofx.json("show", run)["status"] == "succeeded"
