"""Where a run lives. One that was carried here works on the project it was taken in to, not on that it was made in.

`run.created` tells for ever where the run was made; the place is a fact of the store that the run lies in, so it stands
beside the journal and not in it: the journal is the same, byte for byte, wherever the run is carried to.
"""

from dataclasses import replace

from nofx_cli.domain.ids import JsonObject, RunId
from nofx_cli.domain.state import RunState
from nofx_cli.ports.journal import RunStore


def settle(store: RunStore, run: RunId, state: RunState) -> None:
    """Let the workspace on record be the one that the run has in this store."""
    place = store.place(run)
    if place and state.created is not None:
        state.created = replace(state.created, workspace={**state.created.workspace, **place})


def workspace_of(store: RunStore, run: RunId, recorded: JsonObject) -> JsonObject:
    """The workspace of `run.created`, as it is in this store."""
    return {**recorded, **store.place(run)}
