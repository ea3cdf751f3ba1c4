"""`nofx timeline`: one line an event; followed, each event once and in order."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from nofx_cli.cli.render.event_text import SAYINGS, said
from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import decode_line
from nofx_cli.domain.ids import RunId
from nofx_cli.domain.outcome import StepError
from tests.cli.console import COMMAND, EVIL, FAILURE, RUN, STARTED, TWO_STEPS, Console, Records, harmless, success

DONE = ev.RunSucceeded(2_000, {"succeeded": 2})
SEQUENCE = list(range(1, 10))


def _whole(records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, *success("build", version="1.2")], [*success("check"), DONE])


def _numbers(text: str) -> list[int]:
    return [json.loads(line)["seq"] for line in text.splitlines()]


def test_one_line_an_event(cli: Console, records: Records) -> None:
    _whole(records)
    lines = cli.ok("timeline").splitlines()
    assert len(lines) == 9
    assert lines[0].startswith("12:00:00.000    1 run.created          run              user:ada     plan demo ")
    assert lines[3] == (
        "12:00:01.000    4 step.started         build#1          user:ada     test:echo, inputs 444444444444"
    )
    assert lines[4].endswith('user:ada     succeeded in 1.5s, version="1.2"')
    assert lines[8].endswith("in 2.0s, 2 succeeded")


def test_json_is_the_journal_as_it_is(cli: Console, records: Records) -> None:
    _whole(records)
    assert cli.ok("timeline", "--json").encode() == records.journal().read_bytes()


def test_since_a_number(cli: Console, records: Records) -> None:
    _whole(records)
    assert _numbers(cli.ok("timeline", "--json", "--since", "7")) == [8, 9]


def test_since_a_time_and_a_span(cli: Console, records: Records) -> None:
    _whole(records)
    assert _numbers(cli.ok("timeline", "--json", "--since", "2026-01-01T13:00:02+01:00")) == [6, 7, 8, 9]
    assert _numbers(cli.ok("timeline", "--json", "--since", "1m")) == []
    result = cli("timeline", "--since", "yesterday")
    assert result.exit_code == 2
    assert "write it like 42, 10m or 2026-11-22T09:15:30Z" in result.stderr


def test_types(cli: Console, records: Records) -> None:
    _whole(records)
    assert _numbers(cli.ok("timeline", "--json", "--type", "run.*", "--type", "step.finished")) == [1, 2, 5, 8, 9]


def test_every_type_has_words() -> None:
    assert set(SAYINGS) == set(ev.PAYLOADS)


@pytest.mark.parametrize("payload", ev.PAYLOADS, ids=lambda payload: payload.type)
def test_an_empty_payload_has_words_too(payload: type[ev.Payload]) -> None:
    assert isinstance(said(_event(payload())), str)


def test_an_unknown_event_is_shown_with_its_data() -> None:
    assert said(_event(ev.Unknown("moon.rose", {"phase": "full", "n": 3}))) == '{"phase": "full", "n": 3}'


def test_an_event_of_a_newer_version_is_shown_with_its_data(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    newer = decode_line(next(records.store.lines(RUN)).replace(b'{"v":1', b'{"v":2'))
    assert said(newer).startswith('{"plan_digest": ')


def _event(payload: ev.Payload) -> ev.Event:
    return ev.Event(1, "2026-01-01T12:00:00.000000Z", RUN, None, None, ev.Actor("user", "ada"), payload, "", b"")


def test_foreign_text_is_harmless(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, created=records.created(TWO_STEPS, goal=EVIL, params={EVIL: COMMAND}))
    error = StepError(EVIL, f"{EVIL}\n{COMMAND}", EVIL)
    records.append(RUN, (ev.StepFinished("failed", {"out": EVIL}, error), EVIL, 1), ev.Unknown(EVIL, {EVIL: EVIL}))
    records.append(RUN, ev.RunCancelled(COMMAND))
    shown = cli.ok("timeline")
    assert harmless(shown)
    assert len(shown.splitlines()) == 4
    assert "gpj.exe" in shown
    assert "  ::error" not in shown


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        (DONE, 0),
        (ev.RunFailed("build", 1, FAILURE), 1),
        (ev.RunFailed("build", 1, StepError("rejected", "no")), 6),
        (ev.RunCancelled("enough"), 1),
        (ev.RunWaiting(("build",)), 8),
    ],
)
def test_exit_status_is_that_of_the_run(cli: Console, records: Records, ending: ev.Payload, code: int) -> None:
    records.add(TWO_STEPS, [STARTED], [ending])
    assert cli("timeline").exit_code == 0
    assert cli("timeline", "--exit-status").exit_code == code


def test_follow_after_the_end(cli: Console, records: Records) -> None:
    _whole(records)
    assert _numbers(cli.ok("timeline", "--follow", "--json")) == SEQUENCE


def test_follow_does_not_end_at_an_end_that_was_taken_back(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED, ev.RunFailed("build", 1, FAILURE)])
    records.append(RUN, ev.RunResumed("retry"), (ev.StepReset("retry"), "build"))
    with _meanwhile(lambda: records.append(RUN, *success("build"), DONE)):
        shown = cli("timeline", "--follow", "--json", "--exit-status")
    assert (_numbers(shown.stdout), shown.exit_code) == (SEQUENCE, 0)


def test_follow_during_a_run(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED])

    def go_on() -> None:
        for entry in [*success("build"), *success("check"), DONE]:
            records.append(RUN, entry)

    with _meanwhile(go_on):
        assert _numbers(cli.ok("timeline", "--follow", "--json")) == SEQUENCE


def test_follow_filters_and_still_sees_the_end(cli: Console, records: Records) -> None:
    _whole(records)
    assert _numbers(cli.ok("timeline", "-f", "--json", "--type", "step.started")) == [4, 7]


def test_follow_waits_for_a_whole_id_only(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS)
    assert cli("timeline", "--follow", "7k3").exit_code == 4
    late = RunId("20260102-120000-bbbbbb")
    with _meanwhile(lambda: records.add(TWO_STEPS, [DONE], run=late)):
        assert _numbers(cli.ok("timeline", "--follow", late, "--json")) == [1, 2]


def test_follow_begun_before_the_run_shows_each_event_at_once(cli: Console, records: Records) -> None:
    with _nofx("timeline", "--follow") as process:
        assert _read(process.stderr) == "waiting for the first run…\n"
        records.add(TWO_STEPS)
        assert "run.created" in _read(process.stdout)
        records.append(RUN, STARTED)
        assert "run.started" in _read(process.stdout)
        records.append(RUN, *success("build"), DONE)
        kinds = [_read(process.stdout).split()[2] for _ in range(4)]
        assert kinds == ["step.enqueued", "step.started", "step.finished", "run.succeeded"]
        assert process.wait(10) == 0


def test_ctrl_c_only_stops_looking(cli: Console, records: Records) -> None:
    records.add(TWO_STEPS, [STARTED])
    with _nofx("timeline", "--follow") as process:
        _read(process.stdout), _read(process.stdout)
        assert _read(process.stderr) == f"no process executes run {RUN}; go on with it: nofx resume {RUN}\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    assert [event.type for event in records.store.read(RUN)] == ["run.created", "run.started"]


@contextmanager
def _meanwhile(act: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=act)
    thread.start()
    yield
    thread.join()


@contextmanager
def _nofx(*words: str) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-m", "nofx_cli", *words]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ), encoding="utf-8"
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _read(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


def test_a_worker_is_told_by_its_process() -> None:
    from nofx_cli.cli.render.event_text import event_line
    from nofx_cli.domain.events import Actor, Event, RunStarted
    from nofx_cli.domain.ids import RunId

    actor = Actor("worker", "w-build-1-0123ab-4711-4567cd-1")
    event = Event(2, "2026-11-22T09:15:30.000000Z", RunId("x"), None, None, actor, RunStarted(), "", b"")
    assert "worker:4711" in event_line(event)
    assert "build" not in event_line(event)
