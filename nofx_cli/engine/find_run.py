"""Which run a person means."""

from nofx_cli import errors
from nofx_cli.domain.ids import RunId
from nofx_cli.ports.journal import RunStore

_SHOWN = 5


def find_run(store: RunStore, text: str) -> RunId:
    """The run named by its id, by any unique prefix or suffix of it, or by `latest`.

    Raises:
        errors.NotFound: there is none (code `run-not-found`).
        errors.UsageError: there are several (code `run-ambiguous`); the hint lists some.
    """
    if text == "latest":
        newest = next(store.runs(), None)
        if newest is None:
            raise errors.NotFound("there is no run yet", code="run-not-found", hint="make one: nofx run PLAN")
        return newest
    found = [run for run in store.runs() if text and (run.startswith(text) or run.endswith(text))]
    if len(found) == 1 or (found and text in found):
        return RunId(text) if text in found else found[0]
    if not found:
        raise errors.NotFound(f"there is no run {text!r}", code="run-not-found", hint="nofx list")
    some = ", ".join(found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
    raise errors.UsageError(f"{text!r} names {len(found)} runs", code="run-ambiguous", hint=f"one of {some}")
