"""What the router adds to a call of a model: for the table of goals of `measures`."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from timing import Bench, Figure, milliseconds

from nofx_cli.clock import SystemClock
from nofx_cli.domain.models import ChatMessage, ModelReply, ModelRequest, ModelsSpec, Price, ProviderSpec
from nofx_cli.domain.models import ModelSettings as Settings
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.models.router import Router
from nofx_cli.ports.models import CallEnd, ModelCall

_REPOSITORY = Path(__file__).resolve().parents[2]
_PROMPT = "Write the notes for this release.\n" * 100
_TOKENS = 100
_CALLS_A_ROUND = 20
_SERVER = """
import sys
from tests.model_server import ModelServer, Say
with ModelServer() as server:
    server.otherwise = Say("word" * int(sys.argv[1]))
    print(server.base_url, flush=True)
    sys.stdin.read()
"""


class _Deaf:
    """A watch that keeps nothing."""

    def before(self, call: ModelCall) -> None: ...

    def after(self, call: ModelCall, end: CallEnd, reply: ModelReply | None) -> None: ...

    def text(self, piece: str) -> None: ...


def overhead(bench: Bench) -> Iterator[Figure]:
    with _server() as url:
        routed, bare = _routed(url), _bare(url)
        ours, theirs, _ = bench.paired(lambda: _each(routed), lambda: _each(bare))
        pairs = [(_each(routed), _each(bare)) for _ in range(bench.pairs)]
    added = statistics.median(one - other for one, other in pairs) * 1000
    what = f"call of {_TOKENS} tokens through the router - bare client"
    yield Figure(what, milliseconds(ours), milliseconds(theirs), added, 5.0, "ms")


def _routed(url: str) -> Callable[[], str]:
    from decimal import Decimal

    spec = ModelsSpec(
        providers={"local": ProviderSpec("local", url, "none")},
        settings={"local/m": Settings(price=Price(Decimal(1), Decimal(2)))},
    )
    router = Router(spec, environ={}, secrets_of=lambda scopes: {}, clock=SystemClock(), learn=lambda values: None)
    request = ModelRequest((ChatMessage("user", _PROMPT),), model="local/m")
    return lambda: router.ask(request, router.route(request), watch=_Deaf(), cancellation=StopRequest()).text


def _bare(url: str) -> Callable[[], str]:
    from openai import OpenAI

    client = OpenAI(base_url=url, api_key="none", max_retries=0)

    def ask() -> str:
        stream = client.chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": _PROMPT}],
            stream=True,
            stream_options={"include_usage": True},
            max_tokens=8192,
        )
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    return ask


def _each(ask: Callable[[], str]) -> float:
    began = time.perf_counter()
    for _ in range(_CALLS_A_ROUND):
        if len(ask()) != 4 * _TOKENS:
            raise SystemExit("an answer is not whole")
    return (time.perf_counter() - began) / _CALLS_A_ROUND


@contextmanager
def _server() -> Iterator[str]:
    """The scripted server of the tests, in a process of its own."""
    argv = [sys.executable, "-c", _SERVER, str(_TOKENS)]
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY)}
    with subprocess.Popen(argv, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.communicate()
