"""A sentence made into a plan that is checked: by rules, or by the model of the route `reasoning`."""

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from nofx_cli import errors
from nofx_cli.clock import format_at
from nofx_cli.domain.models import ModelReply, ModelRequest, request_digest
from nofx_cli.domain.plan import GATE, Plan
from nofx_cli.domain.record import record
from nofx_cli.engine.cancellation import StopRequest
from nofx_cli.engine.explain_policy import explain_policy
from nofx_cli.engine.plan_secrets import check_plan_secrets
from nofx_cli.engine.services import Services
from nofx_cli.planning.diagnostics import PlanInvalid
from nofx_cli.planning.prompt_draft import AGENT, CODEGEN, draft_of
from nofx_cli.planning.prompt_model import Ask, Vocabulary, plan_by_model
from nofx_cli.planning.prompt_rules import Project, understand
from nofx_cli.planning.prompt_wish import Meant, PromptFlags, Source, Wish, meant_by
from nofx_cli.planning.prompt_yaml import plan_text
from nofx_cli.ports.archive import Archive
from nofx_cli.ports.models import CallEnd, ModelCall
from nofx_cli.safety.policy import Permissions

SOURCE = "prompt"
"""What messages call the plan, and the name of its runs."""
_STEP = "plan"
_KIND = "reasoning"
_SAME_TESTS = "gate:test"


class Planner(StrEnum):
    """Who makes the plan."""

    RULES = "rules"
    MODEL = "model"
    AUTO = "auto"
    """A model where `nofx.yaml` has a route `reasoning`, else the rules."""


@record
class MadePlan:
    """A plan from a sentence.

    Attributes:
        planner: `rules` or `model`; never `auto`.
        model: the one that made it; empty where the rules did.
        meant: what was understood, and where each thing comes from.
    """

    text: str
    plan: Plan
    planner: Planner
    model: str
    meant: tuple[Meant, ...]


def make_plan(services: Services, sentence: str, flags: PromptFlags, planner: Planner) -> MadePlan:
    """Make a plan of a sentence, checked as any plan and held against policy. Nothing is created or run.

    Raises:
        errors.UsageError: the sentence or a flag cannot be as it is (code `bad-prompt`).
        errors.InvalidInput: there is a secret in the sentence (`secret-in-plan`), a tool is not there (`plan-invalid`),
            or the model made no plan (`plan-not-made`).
        errors.PolicyDenied: policy does not allow what the sentence asks for.
        errors.NofxError: what asking the model raises.
    """
    check_plan_secrets(services, sentence, "of the sentence")
    rules = services.rules()
    project = Project(_Look(services.workspace), tuple(rules.gates), tuple(rules.agents))
    wish = understand(sentence, flags, project)
    if planner is Planner.AUTO:
        routed = rules.models is not None and _KIND in rules.models.routes
        planner = Planner.MODEL if routed else Planner.RULES
    if planner is Planner.MODEL:
        return _by_model(services, wish, project)
    text = plan_text(draft_of(wish))
    plan = services.load_plan(text, SOURCE)
    denied = _denied(services, plan)
    if denied:
        raise errors.PolicyDenied("\n".join(denied), hint="say it another way, or see what is allowed in nofx.yaml")
    return MadePlan(text, plan, Planner.RULES, "", tuple(meant_by(wish)))


def _by_model(services: Services, wish: Wish, project: Project) -> MadePlan:
    def faults_of(text: str) -> Sequence[str]:
        try:
            return _denied(services, services.load_plan(text, SOURCE))
        except PlanInvalid as exc:
            return [found.message for found in exc.diagnostics]

    made = plan_by_model(wish, _vocabulary(services, wish), ask=_asking(services), check=faults_of, look=project.look)
    plan = services.load_plan(made.text, SOURCE)
    steps = Meant("steps", ", ".join(step.name for step in plan.steps), Source.MODEL)
    told = [one for one in meant_by(wish) if one.source is not Source.DEFAULT]
    return MadePlan(made.text, plan, Planner.MODEL, made.model, (*told, steps))


def _denied(services: Services, plan: Plan) -> list[str]:
    explained = explain_policy(services, plan)
    return [why for step in explained for why in (*step.denied, *filter(None, [step.fault]))]


def _vocabulary(services: Services, wish: Wish) -> Vocabulary:
    """The tools that there are and that the project's policy allows."""
    rules = services.rules()
    permissions = Permissions(_STEP, [("project", rules.policy)], fault=rules.fault)

    def allowed(tool: str) -> bool:
        return permissions.check_tool(tool) is None

    gates = [name for name in services.handlers.patterns() if name.startswith(GATE) and name != _SAME_TESTS]
    agents = dict.fromkeys((*rules.agents, *filter(None, [wish.agent])))
    return Vocabulary(
        tuple(name.removeprefix(GATE) for name in gates if allowed(name)),
        tuple(name for name in agents if allowed(f"{AGENT}{name}")),
        codegen=allowed(CODEGEN),
        ask=allowed("manual:approve"),
        shell=allowed("shell"),
    )


def _asking(services: Services) -> Ask:
    """Ask the models of the route, or take the answer that the archive has: the same sentence gives the same plan."""

    def ask(request: ModelRequest) -> ModelReply:
        models = services.models().route(request)
        canonical = services.mask(request.canonical(models))
        assert isinstance(canonical, dict)
        archive = services.archive()
        found = archive.newest(request_digest(canonical))
        if found is not None:
            return found.reply
        watch = _Keeping(services, archive, canonical)
        return services.models().ask(request, models, watch=watch, cancellation=StopRequest())

    return ask


class _Keeping:
    """Puts the answer into the archive: `ports.models.CallWatch`."""

    def __init__(self, services: Services, archive: Archive, canonical: dict[str, object]) -> None:
        self._services, self._archive, self._canonical = services, archive, canonical

    def before(self, call: ModelCall) -> None:
        """There is no run whose budget it would count in."""

    def after(self, call: ModelCall, end: CallEnd, reply: ModelReply | None) -> None:
        if reply is not None:
            at = format_at(self._services.clock.now_us())
            canonical = self._canonical
            self._archive.put(canonical, reply, run="", step=_STEP, at=at, shared=True)  # type: ignore[arg-type]

    def text(self, piece: str) -> None:
        """The reply has all of it."""


class _Look:
    """What lies at a path below the project."""

    def __init__(self, project: Path) -> None:
        self._project = project

    def __call__(self, path: str) -> str:
        try:
            found = self._project / path
            return "folder" if found.is_dir() else "file" if found.is_file() else ""
        except (OSError, ValueError):  # a name that no file can have
            return ""
