"""Which dead letters a person means."""

from collections.abc import Iterable, Sequence

from nofx_cli import errors
from nofx_cli.engine.find_run import find_run
from nofx_cli.engine.services import Services
from nofx_cli.ports.queue import Job

_SHOWN = 5


def find_dead_letters(services: Services, texts: Iterable[str]) -> list[Job]:
    """The dead letters that are named, each once, in the order in which they are.

    Raises:
        errors.NotFound: a text names none (code `dead-letter-not-found`).
        errors.UsageError: a text names several (code `dead-letter-ambiguous`); the hint lists some.
    """
    letters = services.queue.dead()
    found = {job.key: job for job in (_find(services, letters, text) for text in texts)}
    return list(found.values())


def _find(services: Services, letters: Sequence[Job], text: str) -> Job:
    """The one that a text names.

    That is its key, `<run>/<step>/<attempt>`, cut off anywhere; or the end of the run's id, or `latest`, for the run.
    """
    run, slash, rest = text.partition("/")
    if run == "latest":
        run = find_run(services.store, run)
    of_run = [job for job in letters if run and (job.run.startswith(run) or job.run.endswith(run))]
    exact = [job for job in of_run if rest in (job.step, _rest(job))]
    found = exact or [job for job in of_run if _rest(job).startswith(rest)] if slash else of_run
    if len(found) == 1:
        return found[0]
    if not found:
        raise _not_found(letters, text)
    raise errors.UsageError(
        f"{text!r} names {len(found)} dead letters",
        code="dead-letter-ambiguous",
        hint=f"one of {_some(found)}",
        context={"keys": [job.key for job in found]},
    )


def _rest(job: Job) -> str:
    return f"{job.step}/{job.attempt}"


def _not_found(letters: Sequence[Job], text: str) -> errors.NotFound:
    return errors.NotFound(
        f"there is no dead letter {text!r}",
        code="dead-letter-not-found",
        hint=f"there is {_some(letters)}" if letters else "there are no dead letters at all",
    )


def _some(letters: Sequence[Job]) -> str:
    return ", ".join(job.key for job in letters[:_SHOWN]) + (", …" if len(letters) > _SHOWN else "")
