"""What the engine works with, put together once by `wiring`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from nofx_cli.clock import Clock
from nofx_cli.domain.events import Actor
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.record import record
from nofx_cli.ports.artifacts import ArtifactStore
from nofx_cli.ports.handler import Handlers
from nofx_cli.ports.journal import RunStore
from nofx_cli.ports.liveness import Liveness
from nofx_cli.ports.processes import ProcessRunner
from nofx_cli.ports.rendering import Renderer

PlanLoader: TypeAlias = Callable[[str, str], Plan]
"""Read and check the text of a plan; the second argument names where it comes from."""

RendererFor: TypeAlias = Callable[[Plan, JsonObject, RunId], Renderer]
"""The templates of a run, given its plan and parameters."""


@record
class Limits:
    """How long a stopped step may take to end, and how much of its output is kept."""

    grace_ms: int = 2_000
    output_limit: int = 64 * 1024 * 1024


@record
class Services:
    """The ports and functions of one store and one project. `environ` is the environment nofx was started in."""

    store: RunStore
    artifacts: ArtifactStore
    liveness: Liveness
    handlers: Handlers
    processes: ProcessRunner
    clock: Clock
    load_plan: PlanLoader
    renderer_for: RendererFor
    mask: Callable[[JsonValue], JsonValue]
    mask_text: Callable[[str], str]
    actor: Actor
    workspace: Path
    store_folder: Path
    environ: Mapping[str, str]
    limits: Limits = Limits()
