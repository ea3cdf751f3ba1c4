"""Artifacts of earlier steps, by name."""

from nofx_cli import errors
from nofx_cli.domain.ids import StepName
from nofx_cli.ports.handler import StepContext


def read_kept(ctx: StepContext, step: StepName, name: str) -> bytes:
    """The bytes of the newest artifact that a step has of this name.

    Raises:
        errors.NotFound: there is none (code `artifact-not-found`); the hint names those that there are.
    """
    kept = ctx.artifacts_of(step)
    for artifact in reversed(kept):
        if artifact.name == name:
            return ctx.read_artifact(artifact)
    there = ", ".join(artifact.name for artifact in kept) or "none"
    raise errors.NotFound(
        f"step {step} has no artifact {name}",
        code="artifact-not-found",
        hint=f"its artifacts are: {there}",
        context={"step": step, "artifact": name},
    )
