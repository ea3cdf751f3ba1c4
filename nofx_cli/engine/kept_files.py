"""The artifacts of a run: found by name, held against their digests, handed out."""

import hashlib
from collections.abc import Iterator

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.domain.record import record
from nofx_cli.engine.services import Services
from nofx_cli.engine.view_run import RunView

_BLOCK = 1024 * 1024


@record
class KeptFile:
    """An artifact, and which attempt left it; `rolled_back` says that the run was set back to before that."""

    step: StepName
    attempt: int
    at: str
    artifact: ArtifactCreated
    rolled_back: bool = False


def kept_files(view: RunView, *, step: StepName | None = None) -> list[KeptFile]:
    """The artifacts of all attempts, in the order in which they were kept."""
    counting = {event.seq for event in view.counting}
    return [
        KeptFile(event.step, event.attempt or 0, event.at, event.payload, event.seq not in counting)
        for event in view.events
        if isinstance(event.payload, ArtifactCreated) and event.step is not None and step in (None, event.step)
    ]


def find_kept_file(view: RunView, step: StepName, name: str, *, attempt: int = 0) -> KeptFile:
    """The artifact of that name that the last attempt (or the given one) left; one rolled back only where it is given.

    Raises:
        errors.NotFound: there is none (code `artifact-not-found`); the hint names those that there are.
    """
    there = [
        kept
        for kept in kept_files(view, step=step)
        if (not kept.rolled_back if attempt == 0 else kept.attempt == attempt)
    ]
    for kept in reversed(there):
        if kept.artifact.name == name:
            return kept
    names = ", ".join(dict.fromkeys(kept.artifact.name for kept in there))
    raise errors.NotFound(
        f"step {step} of run {view.run} left no artifact {name!r}",
        code="artifact-not-found",
        hint=f"it left {names}" if names else f"nofx artifacts {view.run}",
    )


def contents(services: Services, run: RunId, kept: KeptFile) -> Iterator[bytes]:
    """The bytes of an artifact, after they were held against its digest.

    Raises:
        errors.NotFound: the file is gone.
        errors.Conflict: it is not what was kept (code `artifact-changed`); raised before the first byte is handed out,
            and once more at the end should it change meanwhile.
    """
    if not services.artifacts.check(run, kept.artifact):
        services.artifacts.open(run, kept.artifact).close()
        raise _changed(run, kept)
    sha = hashlib.sha256()
    with services.artifacts.open(run, kept.artifact) as file:
        while block := file.read(_BLOCK):
            sha.update(block)
            yield block
    if sha.hexdigest() != kept.artifact.digest:
        raise _changed(run, kept)


def _changed(run: RunId, kept: KeptFile) -> errors.Conflict:
    return errors.Conflict(
        f"artifact {kept.artifact.name} of step {kept.step} is not what was kept: its digest differs from the record",
        code="artifact-changed",
        hint=f"nofx verify {run}",
        context={"run": run, "step": kept.step, "path": kept.artifact.path},
    )
