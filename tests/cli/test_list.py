"""`nofx list`: the newest runs, from the head and the tail of each journal."""

from nofx_cli.cli.render.run_list import format_age, shortest_names
from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import RunId
from tests.cli.console import COMMAND, EVIL, FAILURE, RUN, STARTED, TWO_STEPS, Console, Records, harmless


def test_an_empty_store_says_so_beside_the_result(cli: Console) -> None:
    result = cli("list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nofx run PLAN" in result.stderr
    assert cli.json("list") == []


def test_the_fields_are_pinned(cli: Console, records: Records) -> None:
    ended = ev.RunSucceeded(4_000, {"succeeded": 2})
    records.add(TWO_STEPS, [STARTED], [ended])
    assert cli.json("list") == [
        {
            "run": RUN,
            "status": "succeeded",
            "live": False,
            "queued": False,
            "plan": "demo",
            "goal": "Try it",
            "actor": "ada",
            "created_at": "2026-01-01T12:00:00.000000Z",
            "ended_at": "2026-01-01T12:00:02.000000Z",
            "duration_ms": 4000,
            "steps": {"total": 2, "succeeded": 2},
            "next": None,
            "fault": None,
        }
    ]


def test_somebodys_file_among_the_folders_of_runs_hinders_nobody(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED], [ev.RunSucceeded(4_000, {"succeeded": 2})])
    runs = records.layout.root / "runs"
    for folder in (runs, runs / "2026-01-01"):
        (folder / ".DS_Store").touch()

    assert [run["run"] for run in cli.json("list")] == [RUN]
    assert cli.json("show", "latest")["run"] == RUN


def test_the_table_has_newest_first(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED], [ev.RunSucceeded(4_000, {"succeeded": 2})])
    records.add(TWO_STEPS, [STARTED], [ev.RunFailed("check", 1, FAILURE)], run="20260102-120000-bbbbbb")
    head, newer, older = cli.ok("list").splitlines()
    assert head.split() == ["RUN", "STATUS", "AGE", "TOOK", "STEPS", "PLAN", "GOAL"]
    assert newer.startswith("20260102-120000-bbbbbb  failed")
    assert older.startswith(RUN)
    assert older.split()[3:] == ["4.0s", "2/2", "demo", "Try", "it"]


def test_every_status_is_read_from_the_last_event_of_the_run(cli: Console, records: Records) -> None:
    endings: dict[str, list[ev.Payload]] = {
        "queued": [],
        "running": [STARTED, ev.RunWaiting(("build",)), ev.RunResumed("answered")],
        "waiting": [STARTED, ev.RunWaiting(("build",))],
        "succeeded": [STARTED, ev.RunSucceeded()],
        "failed": [STARTED, ev.RunFailed("build", 1, FAILURE)],
        "cancelled": [STARTED, ev.RunCancelled("enough")],
    }
    for number, payloads in enumerate(endings.values()):
        run = RunId(f"2026010{number + 1}-120000-aaaaa{number}")
        records.add(TWO_STEPS, run=run)
        if payloads:
            records.append(run, *payloads, (ev.StepEnqueued(), "build"))
    assert [listed["status"] for listed in cli.json("list")] == list(reversed(endings))


def test_a_run_without_a_process_is_interrupted_and_still_running_for_programs(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED])
    result = cli("list")
    assert "interrupted" in result.stdout
    assert f"nofx resume {RUN}" in result.stderr
    (listed,) = cli.json("list", "--status", "interrupted")
    assert (listed["status"], listed["live"], listed["next"]) == ("running", False, f"nofx resume {RUN}")


def test_a_run_that_a_process_holds_is_live(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED])
    with records.liveness.hold(RUN):
        (listed,) = cli.json("list")
        assert (listed["status"], listed["live"], listed["next"]) == ("running", True, None)
        assert cli.json("list", "--status", "interrupted") == []


def test_as_many_as_asked_for(cli: Console, records: Records) -> None:
    for number in range(25):
        records.add(TWO_STEPS, [STARTED, ev.RunSucceeded()], run=f"202601{number + 1:02}-120000-aaaaaa")
    assert len(cli.json("list")) == 20
    assert len(cli.json("list", "-n", "3")) == 3
    assert len(cli.json("list", "--all")) == 25
    assert cli("list", "-n", "0").exit_code == 2


def test_status_filters_before_the_limit(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, ev.RunFailed("build", 1, FAILURE)])
    records.add(TWO_STEPS, [STARTED, ev.RunSucceeded()], run="20260102-120000-bbbbbb")
    assert [listed["run"] for listed in cli.json("list", "-n", "1", "--status", "failed")] == [RUN]
    result = cli("list", "--status", "done")
    assert result.exit_code == 2
    assert "'done' is no status of a run" in result.stderr


def test_a_damaged_run_does_not_hide_the_others(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, ev.RunSucceeded()])
    records.add(TWO_STEPS, run="20260102-120000-bbbbbb")
    records.journal("20260102-120000-bbbbbb").write_bytes(b"no event\n")
    damaged, sound = cli.json("list")
    assert damaged["next"] == "nofx verify 20260102-120000-bbbbbb"
    assert damaged["status"] is None
    assert sound["status"] == "succeeded"
    assert "damaged" in cli.ok("list")


def test_foreign_text_is_harmless(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, created=records.created(TWO_STEPS, goal=EVIL, plan_name=COMMAND))
    shown = cli.ok("list")
    assert harmless(shown)
    assert "gpj.exe" in shown
    assert "::error" not in shown.replace(": :error", "")


def test_the_end_of_an_id_that_is_enough_is_bold(cli: Console, records: Records) -> None:
    for end in ("abcxyz", "abdxyz"):
        records.add(TWO_STEPS, run=f"20260101-120000-{end}")
    shown = cli("list", env={"FORCE_COLOR": "1"}).stdout
    assert "\x1b[2m20260101-120000-ab\x1b[0m\x1b[1mcxyz\x1b[0m" in shown


def test_an_end_that_is_a_date_as_well_is_not_enough() -> None:
    run, other = RunId("20260101-120000-aaa202"), RunId("20260101-120000-bbbbbb")
    assert shortest_names([run, other], [run, other]) == {run: 4, other: 3}


def test_ages() -> None:
    assert [format_age(seconds) for seconds in (-5, 59, 60, 7_200, 200_000)] == ["0s", "59s", "1m", "2h", "2d"]
