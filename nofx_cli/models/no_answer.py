"""The error of a question that nobody answered: what each model said last, and what mends it."""

from collections.abc import Sequence

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import counted
from nofx_cli.models.failure import Failure, Next


@record
class Tried:
    """A model that did not answer: after how many calls, and why. A text says how its answer does not fit."""

    model: str
    calls: int
    why: "Failure | errors.NofxError | str"

    @property
    def words(self) -> str:
        if isinstance(self.why, Failure):
            told = self.why.told
        else:
            told = self.why if isinstance(self.why, str) else self.why.message
        calls = f" ({counted(self.calls, 'call')})" if self.calls else ""
        return f"{self.model}: {told}{calls}"

    @property
    def may_pass(self) -> bool:
        return isinstance(self.why, Failure) and self.why.next is Next.AGAIN


def no_answer(tried: Sequence[Tried], models: Sequence[str], *, calls: int, attempts: int) -> errors.NofxError:
    """The error, as `ports.models.Models.ask` says; where a failure may pass, that is what counts."""
    said = "; ".join([one.words for one in tried] + _untried(models[len(tried) :], attempts))
    context = {"models": list(models), "calls": calls}
    if any(one.may_pass for one in tried):
        return _unavailable(said, tried, context)
    if any(isinstance(one.why, str) for one in tried):
        return errors.InvalidInput(
            f"no answer fits the schema: {said}",
            code="answer-not-valid",
            hint="ask for less, or of a larger model; models: {attempts: N} in nofx.yaml allows more calls",
            context=context,
        )
    refusals = [one for one in tried if isinstance(one.why, Failure)]
    if refusals:
        return errors.InvalidInput(
            f"no model takes the request: {said}",
            code="model-refused-request",
            hint=_hint_of(refusals[-1]),
            context={**context, "status": _status(refusals[-1])},
        )
    return _without_key(tried, said, context)


def _unavailable(said: str, tried: Sequence[Tried], context: errors.Context) -> errors.Unavailable:
    last = [one.why for one in tried if isinstance(one.why, Failure)][-1]
    hint = f"wait, or see what is wrong: nofx models test {tried[-1].model}"
    if last.is_timeout:
        hint = f"give it longer (models: {{limits: …}} in nofx.yaml), or try: nofx models test {tried[-1].model}"
    return errors.Unavailable(
        f"no model answered: {said}",
        code="model-timeout" if last.is_timeout else "model-unavailable",
        hint=hint,
        context={**context, "status": last.status},
    )


def _without_key(tried: Sequence[Tried], said: str, context: errors.Context) -> errors.NofxError:
    found = [one.why for one in tried if isinstance(one.why, errors.NofxError)]
    if len(found) == 1:
        return found[0]
    return errors.InvalidInput(
        f"no model can be asked: {said}", code="model-key-missing", hint=found[0].hint if found else "", context=context
    )


def _untried(models: Sequence[str], attempts: int) -> list[str]:
    if not models:
        return []
    return [f"{', '.join(models)} not asked, as models: {{attempts: {attempts}}} allows no further call"]


def _status(tried: Tried) -> int:
    return tried.why.status if isinstance(tried.why, Failure) else 0


def _hint_of(tried: Tried) -> str:
    provider = tried.model.partition("/")[0]
    if _status(tried) in (401, 403):
        return f"see where the key of {provider} comes from: nofx models list"
    if _status(tried) == 404:
        return f"see whether {provider} has the model, and its address: nofx models list"
    return f"see whether the model takes anything: nofx models test {tried.model}"
