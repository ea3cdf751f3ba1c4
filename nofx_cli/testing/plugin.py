"""A handler as nofx loads it, and what it may have besides `match` and `run`, for its own tests.

```python
HANDLER = load_handler("greet", beside=__file__)


def test_it_wants_a_text() -> None:
    assert check(HANDLER, {}) == ["`text` is missing"]
```
"""

from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.effects import Intent, Reconciled
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.handlers.plugins import Plugins
from nofx_cli.ports.handler import StepContext, StepHandler, handler_preview, reconcile_with
from nofx_cli.safety.never_written import HANDLERS


def load_handler(tool: str, *, beside: str | Path) -> StepHandler:
    """The handler of a tool from the nearest folder `nofx_handlers/` above a file, such as the test's `__file__`.

    It is loaded as for a run, so it needs no path to import from.

    Raises:
        errors.NotFound: there is no such folder, or no handler in it has the tool.
        errors.InvalidInput: none has it, and a file cannot be loaded (code `plugin-broken`).
    """
    start = Path(beside).resolve()
    project = next((folder for folder in start.parents if (folder / HANDLERS).is_dir()), None)
    if project is None:
        raise errors.NotFound(f"there is no folder {HANDLERS}/ above {start}", code="no-plugins")
    handler = Plugins(project).find(tool)
    if handler is None:
        raise errors.NotFound(
            f"no handler in {project / HANDLERS} has the tool `{tool}`",
            code="no-handler",
            hint=f"its `match({tool!r})` has to be true, and its file has to have it in the list `HANDLERS`",
        )
    return handler


def check(handler: StepHandler, inputs: JsonObject) -> list[str]:
    """What a handler finds wrong with inputs; nothing where it does not look."""
    looked = getattr(handler, "check", None)
    return [] if looked is None else list(looked(inputs))


def preview(handler: StepHandler, ctx: StepContext) -> JsonValue:
    """What a handler says that it would do; None where it does not say."""
    return handler_preview(handler, ctx)


def reconcile(handler: StepHandler, ctx: StepContext, intent: Intent) -> Reconciled:
    """What a handler finds out about an effect that an earlier attempt intended; it must be able to."""
    return reconcile_with(handler, ctx, intent)
