"""How the changes in a workspace are found out: by git where it is in a repository, else by its files."""

from nofx_cli import errors
from nofx_cli.handlers.agents.changes.changed import Watch
from nofx_cli.handlers.agents.changes.git import find_repository
from nofx_cli.ports.handler import StepContext

_FOLDER = "changes"


def watch(ctx: StepContext, *, own: tuple[str, ...]) -> Watch:
    """Look at the workspace of a step as it is now; `own` are globs of what the agent leaves for itself."""
    repository = find_repository(ctx.workspace)
    if repository is not None:
        from nofx_cli.handlers.agents.changes.trees import TreeWatch

        try:
            return TreeWatch(ctx.workspace, repository, store=ctx.store, scratch=ctx.scratch / _FOLDER, own=own)
        except errors.StoreFailure as exc:
            ctx.log(f"nofx: changes are found out by files: {exc.message}")
    from nofx_cli.handlers.agents.changes.files import FileWatch

    return FileWatch(ctx.workspace, store=ctx.store, own=own)
