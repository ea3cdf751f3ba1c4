"""The outbox of a target: what is open, how far it is, who holds it, and what was overlooked."""

import os
import shutil
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.clock import SystemClock, format_at, parse_at
from nofx_cli.domain.ids import RunId, new_run_id
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.drivers.filesystem.outbox import FileOutbox
from nofx_cli.ports.outbox import Health

OLD, RUN = RunId("20260101-120000-aaaaaa"), RunId("20260102-120000-aaaaaa")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "store", sync=False)


@pytest.fixture
def outbox(layout: Layout, tmp_path: Path) -> FileOutbox:
    return FileOutbox(layout, tmp_path / "project", "team")


def _again(layout: Layout, tmp_path: Path) -> FileOutbox:
    return FileOutbox(layout, tmp_path / "project", "team")


def _journal(layout: Layout, run: RunId) -> Path:
    path = layout.run(run) / "journal.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def _over() -> bool:
    return True


def test_nothing_is_made_before_something_is_to_be_told(outbox: FileOutbox, layout: Layout) -> None:
    assert outbox.runs() == []
    assert outbox.health == Health()
    assert not layout.root.exists()


def test_open_runs_are_known_to_all_processes_oldest_first(outbox: FileOutbox, layout: Layout, tmp_path: Path) -> None:
    for run in (RUN, OLD, RUN):
        outbox.open(run)
    assert _again(layout, tmp_path).runs() == [OLD, RUN]


def test_projects_of_one_store_have_targets_of_their_own(outbox: FileOutbox, layout: Layout, tmp_path: Path) -> None:
    outbox.open(RUN)
    assert FileOutbox(layout, tmp_path / "other", "team").runs() == []


def test_a_cursor_stays_where_it_was_put(outbox: FileOutbox, layout: Layout, tmp_path: Path) -> None:
    with outbox.hold(RUN) as cursor:
        assert cursor is not None
        assert cursor.seq == 0
        cursor.reached(7)
    with _again(layout, tmp_path).hold(RUN) as cursor:
        assert cursor is not None
        assert (cursor.seq, cursor.health) == (7, Health())


def test_a_refusal_stays_noted_until_the_event_was_told(outbox: FileOutbox) -> None:
    refused = Health(3, "2026-01-01T12:00:00.000000Z", 17, "ä" * 1000)
    with outbox.hold(RUN) as cursor:
        assert cursor is not None
        cursor.reached(7)
        cursor.put_off(refused)
    with outbox.hold(RUN) as cursor:
        assert cursor is not None
        assert (cursor.seq, cursor.health.tries, cursor.health.next_us) == (7, 3, 17)
        cursor.reached(8)
    with outbox.hold(RUN) as cursor:
        assert cursor is not None
        assert (cursor.seq, cursor.health) == (8, Health())


def test_one_at_a_time_tells_of_a_run(outbox: FileOutbox, layout: Layout, tmp_path: Path) -> None:
    other = _again(layout, tmp_path)
    with outbox.hold(RUN):
        with other.hold(RUN) as cursor:
            assert cursor is None
        with other.hold(OLD) as cursor:
            assert cursor is not None
    with other.hold(RUN) as cursor:
        assert cursor is not None


def test_a_cursor_that_cannot_be_read_starts_over(outbox: FileOutbox, layout: Layout) -> None:
    with outbox.hold(RUN) as cursor:
        assert cursor is not None
        cursor.reached(7)
    [path] = layout.root.glob("notify/*/cursors/*")
    for text in ("", '{"seq": -1}', '{"seq": "7"}', "[7]", "7" * 600):
        path.write_text(text)
        with outbox.hold(RUN) as cursor:
            assert cursor is not None
            assert cursor.seq == 0


def test_a_run_is_closed_unless_something_came_meanwhile(outbox: FileOutbox) -> None:
    outbox.open(RUN)
    outbox.close(RUN, is_over=lambda: False)
    assert outbox.runs() == [RUN]
    outbox.close(RUN, is_over=_over)
    assert outbox.runs() == []


def test_the_sign_is_gone_before_the_journal_is_asked(outbox: FileOutbox) -> None:
    """Else what came between the look and the end of the sign would be forgotten."""
    seen: list[object] = []

    def is_over() -> bool:
        seen.append(outbox.runs())
        return True

    outbox.open(RUN)
    outbox.close(RUN, is_over=is_over)
    assert seen == [[]]


def test_how_a_target_does_is_known_to_all(outbox: FileOutbox, layout: Layout, tmp_path: Path) -> None:
    outbox.open(RUN)
    health = Health(2, "2026-01-01T12:00:00.000000Z", 5, "gone")
    outbox.note(health)
    assert _again(layout, tmp_path).health == health


def test_a_target_is_told_of_what_comes_from_now_on(outbox: FileOutbox, layout: Layout, tmp_path: Path) -> None:
    before = format_at(SystemClock().now_us())
    since = outbox.since()
    assert before <= since <= format_at(SystemClock().now_us())
    assert _again(layout, tmp_path).since() == since


def test_a_target_is_told_of_the_whole_of_a_run_that_was_just_made(outbox: FileOutbox) -> None:
    now = format_at(SystemClock().now_us())
    outbox.open(new_run_id(at=now, randomness=0))
    assert outbox.since() == f"{now[:19]}.000000Z"


def test_it_is_not_told_of_the_past_of_an_old_run(outbox: FileOutbox) -> None:
    before = format_at(SystemClock().now_us())
    outbox.open(OLD)
    assert outbox.since() >= before


def test_what_is_older_than_a_month_is_not_told(outbox: FileOutbox, layout: Layout) -> None:
    outbox.since()
    [path] = layout.root.glob("notify/*/since")
    path.write_text("2020-01-01T00:00:00.000000Z\n")
    fresh = FileOutbox(layout, path.parents[3] / "project", "team")
    month_us = 30 * 24 * 3600 * 1_000_000
    assert abs(parse_at(fresh.since()) - (SystemClock().now_us() - month_us)) < 60_000_000


def test_runs_that_were_written_to_since_are_found_and_others_are_not(outbox: FileOutbox, layout: Layout) -> None:
    began_s = parse_at(outbox.since()) / 1_000_000
    older, untold, told, opened, goes_on = (RunId(f"20260103-12000{digit}-aaaaaa") for digit in range(5))
    for run in (older, untold, told, opened, goes_on):
        at = began_s - 60 if run == older else began_s + 60
        os.utime(_journal(layout, run), (at, at))
    outbox.open(opened)
    for run, at in ((told, began_s + 120), (goes_on, began_s + 30)):
        with outbox.hold(run) as cursor:
            assert cursor is not None
            cursor.reached(3)
        [path] = layout.root.glob(f"notify/*/cursors/{run}")
        os.utime(path, (at, at))
    assert set(outbox.overlooked()) == {untold, goes_on}


def test_cursors_are_not_kept_for_ever(outbox: FileOutbox, layout: Layout) -> None:
    for run in (OLD, RUN):
        with outbox.hold(run) as cursor:
            assert cursor is not None
            cursor.reached(3)
    [path] = layout.root.glob(f"notify/*/cursors/{OLD}")
    long_ago = SystemClock().now_us() / 1_000_000 - 61 * 24 * 3600
    os.utime(path, (long_ago, long_ago))
    assert list(outbox.overlooked()) == []
    assert [path.name for path in layout.root.glob("notify/*/cursors/*")] == [RUN]


def test_a_store_that_cannot_be_written_is_told(layout: Layout, outbox: FileOutbox) -> None:
    layout.root.write_text("a file where the store should be")
    with pytest.raises(errors.StoreFailure):
        outbox.open(RUN)


def test_a_target_from_the_future_is_new_where_the_clock_was_set_back(
    outbox: FileOutbox, layout: Layout, tmp_path: Path
) -> None:
    outbox.open(RUN)
    [since] = layout.root.glob("notify/*/since")
    since.write_text("2098-01-01T00:00:00.000000Z\n")
    assert _again(layout, tmp_path).since() <= format_at(SystemClock().now_us())


@pytest.mark.parametrize("what", ["", "open", "cursors"])
def test_what_is_deleted_while_a_worker_runs_is_made_again(outbox: FileOutbox, layout: Layout, what: str) -> None:
    outbox.open(OLD)
    [folder] = layout.root.glob("notify/team-*")
    shutil.rmtree(folder / what)
    outbox.open(RUN)
    assert RUN in outbox.runs()
    shutil.rmtree(folder / what)
    with outbox.hold(RUN) as cursor:
        assert cursor is not None
