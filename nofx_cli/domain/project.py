"""What a project says in `nofx.yaml` beyond single settings: its policy, its gates, its secrets. Only data."""

from collections.abc import Mapping
from dataclasses import field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from nofx_cli.domain.budget import Budget, ProjectBudget
from nofx_cli.domain.databases import AsksFor, DatabaseSpec
from nofx_cli.domain.ids import digest_of_bytes
from nofx_cli.domain.plan import Plan, Severity, Step
from nofx_cli.domain.policy import Level, Rule
from nofx_cli.domain.record import record

if TYPE_CHECKING:
    from nofx_cli.domain.models import ModelsSpec
    from nofx_cli.domain.notify import NotifyTarget


class Parser(StrEnum):
    """How the report of a gate's command is read."""

    SARIF = "sarif"
    JUNIT = "junit"
    RUFF_JSON = "ruff-json"
    MYPY = "mypy"
    PYTEST = "pytest"
    BANDIT_JSON = "bandit-json"
    DETECT_SECRETS = "detect-secrets"
    ESLINT_JSON = "eslint-json"
    TSC = "tsc"
    NPM_AUDIT = "npm-audit"
    EXIT_CODE = "exit-code"


class Weakened(StrEnum):
    """What a gate does that passed, but was made weaker by a step of the run."""

    ASK = "ask"
    FAIL = "fail"
    TELL = "tell"


@record
class GateSpec:
    """A gate as `nofx.yaml` has it: one of the project's own (`command`), or settings of a built-in one (without).

    Attributes:
        command: the words of the command; `{report}` in a word stands for a file that it writes its report to.
        report: a file in the workspace that it writes its report to; without it and `{report}`, standard output is.
        paths: what is examined, where the step does not say.
        min_examined: fewer files or tests than this are vacuous; 0 also takes a report that does not say how many.
        floor: for `coverage`: how many percent of the lines must be covered; None takes the tool's own setting.
        source: where it stands: `nofx.yaml:12`.
    """

    name: str
    command: tuple[str, ...] = ()
    parser: Parser = Parser.EXIT_CODE
    severity: Severity | None = None
    paths: tuple[str, ...] = ()
    timeout_ms: int | None = None
    min_examined: int = 1
    report: str = ""
    floor: float | None = None
    enabled: bool = True
    source: str = ""


class SecretKind(StrEnum):
    """Where the value of a secret comes from."""

    ENV = "env"
    FILE = "file"
    KEYRING = "keyring"
    COMMAND = "command"


@record
class SecretSpec:
    """One secret of a scope, never its value.

    Attributes:
        name: what processes see it as: an environment variable.
        where: by kind: the variable's name; the file's path (`~` and relative to the project); service and user; the
            words of a command whose output it is.
        source: where it stands: `nofx.yaml:12`.
    """

    scope: str
    name: str
    kind: SecretKind
    where: tuple[str, ...]
    source: str = ""


KNOWN_AGENTS = ("claude", "codex", "aider", "gemini")
"""Coding agents whose commands nofx knows."""


Prompt: TypeAlias = Literal["stdin", "argument", "file"]


@record
class AgentSpec:
    """A coding agent as `nofx.yaml` has it: a command of the project's own, or settings of a known one.

    Attributes:
        command: its words; `{prompt}` in one stands for the prompt, `{prompt_file}` for a file that holds it.
        prompt: how it is given the prompt.
        timeout_ms: how long an attempt may take where the step does not say.
        source: where it stands: `nofx.yaml:12`.
    """

    name: str
    command: tuple[str, ...] = ()
    prompt: Prompt = "stdin"
    timeout_ms: int | None = None
    source: str = ""


@record
class ProjectRules:
    """All of it. `fault` says why it could not be read; then nothing is allowed.

    `handlers` stands for the sources of the project's own handlers, which are rules too: they run inside of nofx.
    """

    policy: Level = field(default_factory=dict)
    gates: Mapping[str, GateSpec] = field(default_factory=dict)
    secrets: Mapping[str, tuple[SecretSpec, ...]] = field(default_factory=dict)
    """By scope."""
    weakened: Weakened = Weakened.ASK
    models: "ModelsSpec | None" = None
    """None where it says nothing of models; then the built-in providers are there, and no routes."""
    agents: Mapping[str, AgentSpec] = field(default_factory=dict)
    budget: ProjectBudget = ProjectBudget()
    policy_budget: Budget = Budget()
    """The most that any run may spend; `budget` is for all of them together."""
    databases: Mapping[str, DatabaseSpec] = field(default_factory=dict)
    database_approval: AsksFor | None = None
    """None where it says nothing of it; then `databases.DEFAULT_APPROVAL` holds."""
    notify: "Mapping[str, NotifyTarget]" = field(default_factory=dict)
    """Who is told of events, by name."""
    handlers: str = ""
    fault: str = ""

    @property
    def digest(self) -> str:
        """Twelve digits that are others where it says something else; where in the file it says so does not count."""
        policy = sorted(
            (aspect, _patterns(rules.allow), _patterns(rules.deny)) for aspect, rules in self.policy.items()
        )
        gates = sorted((name, repr(replace(gate, source=""))) for name, gate in self.gates.items())
        secrets = sorted((scope, [replace(spec, source="") for spec in specs]) for scope, specs in self.secrets.items())
        agents = sorted((name, replace(agent, source="")) for name, agent in self.agents.items())
        spending = [replace(budget, source="") for budget in (self.budget, self.policy_budget)]
        said = policy, gates, secrets, self.weakened, self.handlers, self.fault, _models(self.models), agents, spending
        more = self._databases()
        return digest_of_bytes(repr((*said, *more)).encode())[:12]

    def _databases(self) -> tuple[object, ...]:
        databases = sorted((name, repr(replace(spec, source=""))) for name, spec in self.databases.items())
        asks = self.database_approval and self.database_approval.approval
        return (databases, asks) if databases or asks else ()


def _models(spec: "ModelsSpec | None") -> object:
    if spec is None:
        return None
    providers = sorted((name, replace(provider, source="")) for name, provider in spec.providers.items())
    routes, settings = sorted(spec.routes.items()), sorted(spec.settings.items())
    return providers, routes, settings, spec.limits, spec.attempts


def _patterns(rules: tuple[Rule, ...] | None) -> str:
    return repr(rules and [rule.pattern for rule in rules])


def limits_time(rules: ProjectRules, plan: Plan, step: Step) -> bool:
    """Whether there is any limit of time beside the step's own `timeout`."""
    budgets = (rules.budget, rules.policy_budget, plan.policy_budget, plan.budget, step.policy_budget, step.budget)
    return any(budget.wall_ms is not None for budget in budgets)
