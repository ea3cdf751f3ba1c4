"""The one door to time."""

import queue
import threading

import pytest

from nofx_cli.clock import ManualClock, SystemClock, format_at, parse_at

AT = "2026-11-22T09:15:30.000123Z"


@pytest.mark.parametrize(
    ("at_us", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_795_338_930_000_123, AT),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_six_decimals(at_us: int, text: str) -> None:
    assert format_at(at_us) == text
    assert parse_at(text) == at_us


def test_another_offset_is_taken_into_account() -> None:
    assert parse_at("2026-11-22T10:15:30.000123+01:00") == parse_at(AT)


@pytest.mark.parametrize("text", ["", "soon", "2026-11-22T09:15:30", "2026-13-01T00:00:00Z"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"offset from UTC|isoformat|month"):
        parse_at(text)


def test_the_system_clock_tells_this_century_in_microseconds() -> None:
    now = format_at(SystemClock().now_us())
    assert "2024" < now < "2100"


def test_the_system_clock_hands_over_messages_and_gives_up_when_there_is_none() -> None:
    inbox: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert SystemClock().receive(inbox, timeout_ms=0, idle=False) is None
    assert SystemClock().receive(inbox, timeout_ms=-5, idle=True) is None
    threading.Thread(target=inbox.put, args=("done",)).start()
    assert SystemClock().receive(inbox, timeout_ms=None, idle=False) == "done"


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock(AT)
    assert format_at(clock.now_us()) == AT
    clock.advance(1_500)
    assert format_at(clock.now_us()) == "2026-11-22T09:15:31.500123Z"
    assert clock.monotonic_ms() == 1_500


def test_a_manual_clock_moves_itself_when_nothing_runs_and_nothing_came() -> None:
    clock, inbox = ManualClock(AT), queue.SimpleQueue[str]()
    assert clock.receive(inbox, timeout_ms=7_000, idle=True) is None
    assert clock.monotonic_ms() == 7_000
    inbox.put("done")
    assert clock.receive(inbox, timeout_ms=7_000, idle=True) == "done"
    assert clock.monotonic_ms() == 7_000


def test_a_manual_clock_waits_for_what_runs() -> None:
    clock, inbox = ManualClock(AT), queue.SimpleQueue[str]()
    threading.Thread(target=inbox.put, args=("done",)).start()
    assert clock.receive(inbox, timeout_ms=7_000, idle=False) == "done"
    assert clock.monotonic_ms() == 0
