"""Time limits and cancellation: every call comes to an end, wherever it hangs."""

import threading
from collections.abc import Callable

import pytest

from nofx_cli import errors
from nofx_cli.clock import ManualClock
from nofx_cli.domain.models import TimeLimits, Usage
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.ports.handler import StepCancelled
from nofx_cli.testing.waiting import wait_until
from tests.model_server import Chunks, Hang, ModelServer, Raw, Refuse, Say, Step, deaf
from tests.unit.models.questions import Watch, ask, question, router_to

SHORT = TimeLimits(connect_ms=50, first_token_ms=80, whole_ms=60_000)


class TestLimits:
    def test_a_connection_that_is_not_taken(self) -> None:
        watch = Watch()
        with deaf() as address, pytest.raises(errors.Unavailable) as caught:
            ask(router_to(address, limits=SHORT, attempts=1), watch=watch)
        assert caught.value.code == "model-timeout"
        assert caught.value.message == f"no model answered: local/m: {address}/ took no connection in time (1 call)"
        assert watch.end.usage == Usage(0, 0, 0, 0)

    @pytest.mark.parametrize(
        "step",
        [Hang, lambda: Hang(headers=True), lambda: Say("late", go_on=threading.Event())],
        ids=["before-headers", "after-headers", "before-the-first-token"],
    )
    def test_no_first_token(self, step: Callable[[], Step]) -> None:
        watch = Watch()
        with ModelServer(step()) as server, pytest.raises(errors.Unavailable) as caught:
            ask(router_to(server, limits=SHORT, attempts=1), watch=watch)
        assert caught.value.code == "model-timeout"
        assert caught.value.message == "no model answered: local/m: it said nothing within 80ms (1 call)"
        assert caught.value.hint.startswith("give it longer (models: {limits: …} in nofx.yaml), or try: nofx models")
        assert (watch.end.usage, watch.end.cost_usd, watch.end.first_token_ms) == (Usage(), None, 0)

    def test_comments_and_roles_are_no_token(self) -> None:
        hanging = Hang(headers=True)
        noise = Chunks([": ping\n\n", {"choices": [{"delta": {"role": "assistant", "content": ""}}]}], done=False)
        with ModelServer(noise, hanging) as server, pytest.raises(errors.Unavailable):
            ask(router_to(server, limits=SHORT, attempts=2))

    def test_an_answer_that_does_not_end(self) -> None:
        limits = TimeLimits(connect_ms=1_000, first_token_ms=60_000, whole_ms=120)
        watch = Watch()
        with ModelServer(Hang(text="and then")) as server, pytest.raises(errors.Unavailable) as caught:
            ask(router_to(server, limits=limits, attempts=1), watch=watch)
        assert caught.value.message == "no model answered: local/m: it came to no end within 120ms (1 call)"
        assert (watch.pieces, watch.end.usage, watch.end.cost_usd) == (["and then"], Usage(), None)

    @pytest.mark.parametrize("status", [302, 400, 500])
    def test_nobody_reads_a_page_of_an_error_to_an_end_that_does_not_come(self, status: int) -> None:
        watch = Watch()
        page = Raw("gone wrong " * 10_000, "text/plain", status, missing=1_000_000)
        with ModelServer(page) as server, pytest.raises(errors.NofxError):
            ask(router_to(server, attempts=1), watch=watch)
        assert watch.end.status == status

    def test_after_a_limit_the_next_model_answers(self) -> None:
        with ModelServer() as server:
            server.script(Hang(), Hang(), Hang(), model="slow")
            server.script(Say("quick"), model="fast")
            assert ask(router_to(server, models=("local/slow", "local/fast"), limits=SHORT)).text == "quick"


class TestCancellation:
    def stopped_while(self, step: Step, *, once: Callable[[ModelServer, Watch], object]) -> tuple[ModelServer, Watch]:
        """Stop a question when `once` holds; it must end by that."""
        stop, watch = StopRequest(), Watch()
        with ModelServer(step) as server:
            router = router_to(server)

            def stopping() -> None:
                wait_until(lambda: once(server, watch))
                stop.stop("cancelled")

            thread = threading.Thread(target=stopping)
            thread.start()
            with pytest.raises(StepCancelled) as caught:
                router.ask(question(), ("local/m",), watch=watch, cancellation=stop)
            thread.join()
        assert caught.value.reason == "cancelled"
        return server, watch

    @pytest.mark.parametrize("headers", [False, True])
    def test_before_the_first_token(self, headers: bool) -> None:
        server, watch = self.stopped_while(Hang(headers=headers), once=lambda server, watch: server.calls)
        assert server.calls == 1
        assert [(end.error, end.usage, end.cost_usd) for end in watch.ends] == [
            ("the step was stopped: cancelled", Usage(), None)
        ]
        assert watch.ended[0][2] is None

    def test_in_the_middle_of_an_answer(self) -> None:
        _, watch = self.stopped_while(Hang(text="half"), once=lambda server, watch: watch.pieces)
        assert (watch.pieces, len(watch.ended)) == (["half"], 1)

    def test_while_it_connects(self) -> None:
        stop, watch = StopRequest(), Watch()
        with deaf() as address:
            router = router_to(address)

            def stopping() -> None:
                wait_until(lambda: watch.begun)
                stop.stop("timeout")

            thread = threading.Thread(target=stopping)
            thread.start()
            with pytest.raises(StepCancelled, match="timeout"):
                router.ask(question(), ("local/m",), watch=watch, cancellation=stop)
            thread.join()
        assert len(watch.ended) == 1

    def test_the_server_sees_that_nobody_listens_any_more(self) -> None:
        stop = StopRequest()
        with ModelServer(Hang(text="half")) as server:
            watch = Watch(on_text=lambda piece: stop.stop("cancelled"))
            with pytest.raises(StepCancelled):
                router_to(server).ask(question(), ("local/m",), watch=watch, cancellation=stop)
            wait_until(lambda: server.given_up)

    def test_before_it_began(self) -> None:
        stop, watch = StopRequest(), Watch()
        stop.stop("interrupted")
        with ModelServer() as server:
            with pytest.raises(StepCancelled, match="interrupted"):
                router_to(server).ask(question(), ("local/m",), watch=watch, cancellation=stop)
            assert (server.calls, watch.begun) == (0, [])

    def test_in_a_pause(self) -> None:
        stop = StopRequest()

        class Clock(ManualClock):
            """Stops the step as soon as somebody waits idly."""

            def receive(self, inbox, *, timeout_ms, idle):  # type: ignore[no-untyped-def]
                if idle:
                    stop.stop("cancelled")
                return super().receive(inbox, timeout_ms=timeout_ms, idle=idle)

        with ModelServer(Refuse(503)) as server:
            with pytest.raises(StepCancelled):
                router_to(server, clock=Clock()).ask(question(), ("local/m",), watch=Watch(), cancellation=stop)
            assert server.calls == 1

    def test_a_watch_that_fails_ends_the_call(self) -> None:
        def full(piece: str) -> None:
            raise OSError("no space left")

        watch = Watch(on_text=full)
        with ModelServer(Hang(text="half")) as server, pytest.raises(OSError, match="no space left"):
            ask(router_to(server), watch=watch)
        assert (len(watch.ended), watch.end.cost_usd) == (1, None)


def test_many_threads_share_a_router() -> None:
    with ModelServer() as server:
        server.otherwise = lambda asked: Say(asked.prompt.upper())
        router = router_to(server)
        got: dict[str, str] = {}

        def one(word: str) -> None:
            got[word] = ask(router, question(word)).text

        threads = [threading.Thread(target=one, args=(f"word{number}",)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == {word: word.upper() for word in got}
    assert len(got) == 12
