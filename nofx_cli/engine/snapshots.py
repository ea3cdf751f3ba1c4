"""What the gates of a run rest on: recorded when the run is made, read again when one of them would pass.

    run.created and snapshot.taken, with the digest, in one batch ── crash ──▶ the file is missing: no gate passes
        └▶ the file is written, durably ──▶ the run can begin

The journal vouches for the file, so that who changes it changes nothing but the outcome of `nofx verify`.
"""

import json
from collections.abc import Mapping

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated, SnapshotTaken
from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.plan import Plan
from nofx_cli.domain.state import RunState
from nofx_cli.engine.services import Services
from nofx_cli.engine.shown_text import asked_text, digest_of_text, kept_text
from nofx_cli.ports.artifacts import SNAPSHOT


def snapshot_text(services: Services, plan: Plan) -> str:
    """What is to be kept for a run of this plan; empty where no gate needs it."""
    if services.take_snapshot is None or not any(step.is_gate for step in plan.steps):
        return ""
    return asked_text(services, services.take_snapshot(services.workspace))[0]


def snapshot_event(text: str) -> SnapshotTaken:
    """The event that vouches for it."""
    return SnapshotTaken(digest=digest_of_text(text), path=SNAPSHOT)


def snapshots(services: Services, state: RunState) -> tuple[JsonObject, JsonObject] | None:
    """What was recorded and how it is now, both masked alike; None where nothing was recorded.

    Raises:
        errors.Conflict: what was kept is not what the journal says, or is gone (code `snapshot-changed`).
    """
    if state.snapshot is None or state.run is None or services.take_snapshot is None:
        return None
    before = _kept(services, state.run, state.snapshot)
    return _masked(services, before), _masked(services, services.take_snapshot(services.workspace))


def _kept(services: Services, run: RunId, taken: SnapshotTaken) -> JsonObject:
    file = ArtifactCreated(name="the snapshot", path=taken.path, digest=taken.digest)
    text = kept_text(services, run, file)
    if text is None:
        raise errors.Conflict(
            f"what the gates of run {run} are compared with is gone, or is not what the journal says: {SNAPSHOT} in "
            "its folder",
            code="snapshot-changed",
            hint=f"see what happened: nofx verify {run}; then start anew: nofx rerun {run}",
        )
    content = json.loads(text)
    return content if isinstance(content, Mapping) else {}


def _masked(services: Services, snapshot: JsonObject) -> JsonObject:
    masked = services.mask(snapshot)
    return masked if isinstance(masked, Mapping) else {}
