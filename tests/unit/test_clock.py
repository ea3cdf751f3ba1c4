"""The one door to time."""

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from nofx_cli.clock import Inbox, ManualClock, SystemClock, format_at, parse_at
from nofx_cli.safety.ending import rest
from nofx_cli.testing.waiting import wait_until

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
    inbox: Inbox[str] = Inbox()
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
    clock, inbox = ManualClock(AT), Inbox[str]()
    assert clock.receive(inbox, timeout_ms=7_000, idle=True) is None
    assert clock.monotonic_ms() == 7_000
    inbox.put("done")
    assert clock.receive(inbox, timeout_ms=7_000, idle=True) == "done"
    assert clock.monotonic_ms() == 7_000


def test_a_manual_clock_waits_for_what_runs() -> None:
    clock, inbox = ManualClock(AT), Inbox[str]()
    threading.Thread(target=inbox.put, args=("done",)).start()
    assert clock.receive(inbox, timeout_ms=7_000, idle=False) == "done"
    assert clock.monotonic_ms() == 0


def slow(_number: int, _frame: object) -> None:
    """The handler of a signal that takes longer than the waits of these tests have left."""
    began_ms = SystemClock().monotonic_ms()
    while SystemClock().monotonic_ms() < began_ms + 60:
        pass


@pytest.fixture
def interrupted() -> Iterator[None]:
    """A signal comes in 20 ms, and its handler takes 60 ms."""
    before = signal.signal(signal.SIGALRM, slow)
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("interrupted")
def test_a_wait_ends_though_a_signal_was_handled_beyond_its_time() -> None:
    """`queue.SimpleQueue` waits for ever then, before Python 3.13."""
    began_ms = SystemClock().monotonic_ms()
    assert SystemClock().receive(Inbox[int](), timeout_ms=50, idle=False) is None
    assert SystemClock().monotonic_ms() - began_ms >= 50


@pytest.mark.usefixtures("interrupted")
def test_a_sleep_ends_though_a_signal_was_handled_beyond_its_time() -> None:
    began_ms = SystemClock().monotonic_ms()
    rest(50)
    assert SystemClock().monotonic_ms() - began_ms >= 50


def test_the_handler_of_a_signal_may_put_a_message_in_wherever_it_interrupts() -> None:
    inbox = Inbox[int]()
    before = signal.signal(signal.SIGALRM, lambda number, _frame: inbox.put(-number))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        got: list[int | None] = []
        while got.count(-signal.SIGALRM) < 20:
            inbox.put(1)
            got.append(SystemClock().receive(inbox, timeout_ms=None, idle=False))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert None not in got


def test_a_signal_that_another_thread_was_given_is_handled_though_the_main_thread_waits() -> None:
    inbox = Inbox[int]()
    main = threading.get_ident()
    before = signal.signal(signal.SIGUSR1, lambda number, _frame: inbox.put(number))

    def take_the_signal() -> None:
        wait_until(lambda: sys._current_frames()[main].f_code is Inbox.get.__code__)
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    try:
        threading.Thread(target=take_the_signal).start()
        assert inbox.get() == signal.SIGUSR1
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_messages_of_many_threads_come_once_each_and_in_the_order_of_their_senders() -> None:
    inbox = Inbox[tuple[int, int]]()

    def send(own: int) -> None:
        for number in range(500):
            inbox.put((own, number))

    senders = [threading.Thread(target=send, args=(own,)) for own in range(4)]
    for sender in senders:
        sender.start()
    got = [SystemClock().receive(inbox, timeout_ms=None, idle=False) for _ in range(2_000)]
    assert inbox.empty()
    assert inbox.get(0) is None
    for own in range(4):
        assert [message for message in got if message and message[0] == own] == [(own, n) for n in range(500)]
