"""What the engine works with, put together once by `wiring`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from nofx_cli.clock import Clock
from nofx_cli.domain.events import Actor
from nofx_cli.domain.ids import JsonObject, JsonValue, RunId
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.project import ProjectRules
from nofx_cli.domain.record import record
from nofx_cli.ports.artifacts import ArtifactStore
from nofx_cli.ports.handler import Handlers
from nofx_cli.ports.journal import RunStore
from nofx_cli.ports.liveness import Liveness
from nofx_cli.ports.processes import ProcessRunner
from nofx_cli.ports.queue import Queue
from nofx_cli.ports.rendering import Renderer
from nofx_cli.ports.workers import Workers

if TYPE_CHECKING:
    from nofx_cli.ports.archive import Archive  # runs that ask no model do not load it
    from nofx_cli.ports.ledger import Ledger
    from nofx_cli.ports.models import Models
    from nofx_cli.ports.workspaces import Worktrees

PlanLoader: TypeAlias = Callable[[str, str], Plan]
"""Read and check the text of a plan; the second argument names where it comes from."""

RendererFor: TypeAlias = Callable[[Plan, JsonObject, RunId], Renderer]
"""The templates of a run, given its plan and parameters."""


SecretsOf: TypeAlias = Callable[[tuple[str, ...]], Mapping[str, str]]
"""The values of the secrets of some scopes, by the variables that processes see; they are masked from then on.

Raises `errors.NofxError` (code `secret-unavailable`) where one cannot be had.
"""


TakeSnapshot: TypeAlias = Callable[[Path], JsonObject]
"""What the gates rest on in a folder that runs work on, as it is now; see `handlers.gates.integrity`."""


def no_secrets(_scopes: tuple[str, ...]) -> Mapping[str, str]:
    """Where no scopes are declared."""
    return {}


@record
class Limits:
    """How long a stopped step may take to end, how much of its output is kept, and how old the oldest due job may be
    before new ones are delayed.
    """

    grace_ms: int = 700
    output_limit: int = 64 * 1024 * 1024
    backpressure_age_ms: int = 5_000


@record
class Services:
    """The ports and functions of one store and one project. `environ` is the environment nofx was started in.

    `archive` opens the archive of requests to models, `models` gives the router that asks them, `ledger`
    what the project has spent; only those load them that need them.
    """

    store: RunStore
    artifacts: ArtifactStore
    liveness: Liveness
    queue: Queue
    workers: Workers
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
    archive: "Callable[[], Archive]"
    models: "Callable[[], Models]"
    ledger: "Callable[[], Ledger]"
    limits: Limits = Limits()
    rules: Callable[[], ProjectRules] = ProjectRules
    """What the project's `nofx.yaml` says now."""
    secrets_of: SecretsOf = no_secrets
    take_snapshot: TakeSnapshot | None = None
    worktrees: "Callable[[], Worktrees] | None" = None
    """Gives the worktrees of the project, which only those load that need them."""
