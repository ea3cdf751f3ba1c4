"""A plan: what is to be done. Built by `planning`, which has checked it; here it is only data.

`needs` is always written out (a step without it got the step above), names are unique, the graph has no cycle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from nofx_cli.domain.budget import Budget
from nofx_cli.domain.databases import AsksFor
from nofx_cli.domain.ids import Digest, JsonObject, JsonValue, StepName
from nofx_cli.domain.policy import Level, Sandbox
from nofx_cli.domain.record import record

GATE = "gate:"
"""How the name of a tool begins that is a gate."""
AGENT = "agent:"
"""How the name of a tool begins that is a coding agent."""
DEFAULT_CONCURRENCY = 4
DEFAULT_TIMEOUT_MS = 30 * 60_000
POLICY_DENIED = "policy-denied"
"""The code of the error of a step that a rule denied something."""


class When(StrEnum):
    """When a step runs, judged by all that it needs, directly or through others."""

    SUCCESS = "success"
    FAILURE = "failure"
    ALWAYS = "always"


class Severity(StrEnum):
    """Whether the failure of a gate blocks what needs it."""

    BLOCKING = "blocking"
    WARNING = "warning"


@record
class Retry:
    """How often a retryable failure is tried again. `backoff_ms`: pauses before attempt 2, 3, …; the last repeats."""

    max_attempts: int = 1
    backoff_ms: tuple[int, ...] = (2_000, 5_000, 10_000)

    def delay_ms(self, failures: int) -> int:
        """The pause after that many failures (1, 2, …)."""
        if not self.backoff_ms:
            return 0
        return self.backoff_ms[min(failures, len(self.backoff_ms)) - 1]


class WorkspaceMode(StrEnum):
    """What a run works on."""

    AUTO = "auto"
    """A worktree where a step writes and there is a repository, else the user's folder."""
    IN_PLACE = "in_place"
    WORKTREE = "worktree"


@record
class Repair:
    """What a gate does that failed: its findings go back to `step`, and all between the two is done again.

    `attempts` counts the rounds, the first one included.
    """

    step: StepName
    attempts: int = 3


@record
class Param:
    """A declared parameter. `type` is string, integer, number or boolean."""

    name: str
    type: str = "string"
    required: bool = False
    default: JsonValue = None
    description: str = ""
    choices: tuple[JsonValue, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """A node of the plan. `inputs` and `env` are templates; `when` is a `When` or an expression."""

    name: StepName
    tool: str
    needs: tuple[StepName, ...] = ()
    when: str = When.SUCCESS
    inputs: JsonObject = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    retry: Retry = field(default_factory=Retry)
    severity: Severity = Severity.BLOCKING
    continue_on_error: bool = False
    approval: bool = False
    retry_on_interrupt: bool | None = None
    policy: Level = field(default_factory=dict)
    secrets_scope: tuple[str, ...] = ()
    sandbox: Sandbox | None = None
    outputs: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    budget: Budget = Budget()
    policy_budget: Budget = Budget()
    """What its policy limits; `budget` is what it limits itself."""
    repair: Repair | None = None
    database_approval: AsksFor | None = None
    """What its policy says of it."""

    @property
    def is_gate(self) -> bool:
        return self.tool.startswith(GATE)

    @property
    def blocks(self) -> bool:
        """Whether its failure fails the run and what needs it."""
        return not self.continue_on_error and self.severity is not Severity.WARNING

    def blocks_with(self, code: str) -> bool:
        """The same of a failure with that code: what a policy denied, a plan cannot forgive."""
        return self.blocks or code == POLICY_DENIED


@dataclass(frozen=True)
class Plan:
    """What is to be done. `digest` is of the text it was read from."""

    steps: tuple[Step, ...]
    digest: Digest
    goal: str = ""
    params: tuple[Param, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    policy: Level = field(default_factory=dict)
    concurrency: int = DEFAULT_CONCURRENCY
    version: int = 1
    budget: Budget = Budget()
    policy_budget: Budget = Budget()
    workspace: WorkspaceMode = WorkspaceMode.AUTO
    database_approval: AsksFor | None = None
    """What its policy says of it."""

    @cached_property
    def index(self) -> Mapping[StepName, int]:
        """The place of each step in the file, from 0."""
        return {step.name: place for place, step in enumerate(self.steps)}

    @cached_property
    def dependants(self) -> Mapping[StepName, tuple[StepName, ...]]:
        """Who needs each step, in the order of the file."""
        found: dict[StepName, list[StepName]] = {step.name: [] for step in self.steps}
        for step in self.steps:
            for need in step.needs:
                found[need].append(step.name)
        return {name: tuple(names) for name, names in found.items()}

    def step(self, name: StepName) -> Step:
        """The step of that name; KeyError if there is none."""
        return self.steps[self.index[name]]
