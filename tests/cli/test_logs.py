"""`nofx logs`: the output of steps, harmless, as it lies there or as it comes."""

import threading

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.ids import StepName
from nofx_cli.engine.read_logs import AttemptLog
from tests.cli.console import COMMAND, EVIL, RUN, STARTED, TWO_STEPS, Console, Records, harmless, success
from tests.cli.terminals import pretend_terminal


def _two(records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build")], [*success("check"), ev.RunSucceeded()])
    records.log(b"checked\n", step="check")
    records.log(b"one\ntwo", step="build")


def test_all_steps_in_the_order_of_the_plan(cli: Console, records: Records) -> None:
    _two(records)
    assert cli.ok("logs") == "build │ one\nbuild │ two\ncheck │ checked\n"


def test_one_step(cli: Console, records: Records) -> None:
    _two(records)
    assert cli.ok("logs", RUN, "build") == "one\ntwo\n"
    assert cli.ok("logs", "build") == "one\ntwo\n"


def test_a_word_that_is_neither(cli: Console, records: Records) -> None:
    _two(records)
    result = cli("logs", "biuld")
    assert result.exit_code == 4
    assert "'biuld' is neither a run nor a step of the newest run" in result.stderr
    assert cli("logs", RUN, "biuld").exit_code == 4


def test_a_part_of_an_id_is_a_run(cli: Console, records: Records) -> None:
    _two(records)
    records.add(TWO_STEPS, run="20260102-120000-bbbbbb")
    assert "one" in cli.ok("logs", "aaaaaa")


def test_an_earlier_attempt(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build"), (ev.StepReset(), "build"), *success("build", attempt=2)])
    records.log(b"first\n", step="build", attempt=1)
    records.log(b"second\n", step="build", attempt=2)
    assert cli.ok("logs", RUN, "build") == "second\n"
    assert cli.ok("logs", RUN, "build", "--attempt", "1") == "first\n"
    assert "has had no attempt 3" in cli("logs", RUN, "build", "--attempt", "3").stderr


def test_nothing_to_show_is_said_beside_the_result(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build")])
    assert cli("logs", RUN, "build").stderr == f"step build of run {RUN} has written nothing\n"
    assert cli("logs", RUN, "check").stderr == f"step check of run {RUN} has not started\n"
    assert cli("logs").stderr == f"no step of run {RUN} has written anything\n"


@pytest.mark.parametrize("words", [["logs"], ["logs", RUN, "build"], ["logs", RUN, "build", "-f"]])
def test_foreign_text_is_harmless(cli: Console, records: Records, words: list[str]) -> None:
    _two(records)
    records.log(f"\n{EVIL}\n{COMMAND}\n  {COMMAND}\n##[error]boom\r\n".encode() + b"\xff\xfe\n", step="build")
    shown = cli.ok(*words)
    assert harmless(shown)
    lines = [line.removeprefix("build │ ") for line in shown.splitlines()]
    assert not any(line.lstrip().startswith(("::", "##[")) for line in lines)
    assert any("gpj.exe" in line for line in lines)
    assert ": :error file=x::boom" in lines


def test_raw_gives_the_bytes(cli: Console, records: Records) -> None:
    _two(records)
    data = b"\x1b[31mred\n\xff" + COMMAND.encode()
    records.log(data, step="build")
    assert cli("logs", RUN, "build", "--raw").stdout_bytes == b"one\ntwo" + data


def test_raw_is_refused_on_a_terminal(cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    _two(records)
    pretend_terminal(monkeypatch)
    result = cli("logs", RUN, "build", "--raw")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "it would obey the control sequences" in result.stderr


def test_raw_is_for_one_step(cli: Console, records: Records) -> None:
    _two(records)
    assert cli("logs", RUN, "--raw").exit_code == 2


def test_follow_sees_what_is_written_and_what_starts_later(
    cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, started, done = success("build")
    records.add(TWO_STEPS, [STARTED, begun, started])
    records.log(b"already\nhalf a ", step="build")
    notes: list[str] = []

    def go_on(told: str) -> None:
        notes.append(told)
        records.log(b"line\n", step="build")
        records.append(RUN, done)
        begun, started, ended = success("check")
        records.append(RUN, begun, started)
        records.log(b"later, without an end", step="check")
        records.append(RUN, ended, ev.RunSucceeded())

    monkeypatch.setattr("nofx_cli.cli.commands.logs.note", go_on)
    shown = cli.ok("logs", "--follow")
    assert notes == [f"no process executes run {RUN}; go on with it: nofx resume {RUN}"]
    assert shown == "build │ already\nbuild │ half a line\ncheck │ later, without an end\n"


def test_follow_ends_with_its_step(cli: Console, records: Records) -> None:
    begun, started, done = success("build")
    records.add(TWO_STEPS, [STARTED, begun, started])

    def go_on() -> None:
        records.log(b"built\n", step="build")
        records.append(RUN, done)

    thread = threading.Thread(target=go_on)
    thread.start()
    assert cli.ok("logs", RUN, "build", "-f") == "built\n"
    thread.join()


def test_a_line_without_end_comes_in_pieces_that_break_no_character(records: Records) -> None:
    records.add(TWO_STEPS)
    text = "x" + "é" * 300_000
    path = records.log(text.encode(), step="build")
    pieces = [line.decode() for line in AttemptLog(StepName("build"), 1, path).lines(final=True)]
    assert "".join(pieces) == text
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 64 * 1024
