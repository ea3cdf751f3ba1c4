"""A router on a scripted server, and a watch that records what it is told."""

from collections.abc import Callable, Mapping
from typing import Any

from nofx_cli.clock import Clock, ManualClock
from nofx_cli.domain.models import ChatMessage, ModelReply, ModelRequest, ModelsSpec, ProviderSpec
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.models.router import Router
from nofx_cli.ports.models import CallEnd, ModelCall
from tests.model_server import ModelServer

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}


class Watch:
    """What the router told of its calls. `on_before` and `on_text` run where it tells."""

    def __init__(
        self,
        *,
        on_before: Callable[[ModelCall], None] = lambda call: None,
        on_text: Callable[[str], None] = lambda piece: None,
    ) -> None:
        self.begun: list[ModelCall] = []
        self.ended: list[tuple[ModelCall, CallEnd, ModelReply | None]] = []
        self.pieces: list[str] = []
        self._on_before, self._on_text = on_before, on_text

    def before(self, call: ModelCall) -> None:
        self._on_before(call)
        self.begun.append(call)

    def after(self, call: ModelCall, end: CallEnd, reply: ModelReply | None) -> None:
        self.ended.append((call, end, reply))

    def text(self, piece: str) -> None:
        self.pieces.append(piece)
        self._on_text(piece)

    @property
    def ends(self) -> list[CallEnd]:
        return [end for _, end, _ in self.ended]

    @property
    def end(self) -> CallEnd:
        """How the last call ended."""
        return self.ends[-1]

    @property
    def models(self) -> list[str]:
        """Which models were called, in order."""
        return [call.model for call in self.begun]


def question(text: str = "hi", **fields: Any) -> ModelRequest:
    return ModelRequest((ChatMessage("user", text),), **fields)


def router_to(
    server: ModelServer | str,
    *,
    models: tuple[str, ...] = ("local/m",),
    clock: Clock | None = None,
    environ: Mapping[str, str] | None = None,
    learned: list[str] | None = None,
    providers: Mapping[str, ProviderSpec] | None = None,
    **spec: Any,
) -> Router:
    """A router whose provider `local` is the server, with these models as its route for code."""
    url = server if isinstance(server, str) else server.base_url
    there = {"local": ProviderSpec("local", url, "none"), **(providers or {})}
    known = learned if learned is not None else []
    return Router(
        ModelsSpec(providers=there, routes={"codegen": models}, **spec),
        environ=environ or {},
        secrets_of=lambda scopes: {},
        clock=clock or ManualClock(),
        learn=known.extend,
    )


def ask(router: Router, request: ModelRequest | None = None, watch: Watch | None = None) -> ModelReply:
    """Ask along the route, with nobody who stops it."""
    request = request or question()
    return router.ask(request, router.route(request), watch=watch or Watch(), cancellation=StopRequest())
