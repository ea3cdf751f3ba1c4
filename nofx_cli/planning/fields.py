"""The plan language as tables: the checker, the JSON Schema and the reference page all come from them."""

from nofx_cli.domain.plan import DEFAULT_CONCURRENCY, WorkspaceMode
from nofx_cli.planning.budgets import BUDGET
from nofx_cli.planning.kinds import Choice, Condition, Duration, Flag, Json, Text, Whole
from nofx_cli.planning.reading import Field, table
from nofx_cli.planning.rules import BELOW, GLOB, POLICY, SANDBOX, SCOPES, RuleList
from nofx_cli.planning.structures import Declared, Either, JsonMapping, ListOf, Record, Steps, Variables

MAX_CONCURRENCY = 256
MAX_ATTEMPTS = 100
MAX_REPAIR_ATTEMPTS = 20
RESERVED_ENV = (
    "NOFX_RUN_ID",
    "NOFX_STEP",
    "NOFX_ATTEMPT",
    "NOFX_IDEMPOTENCY_KEY",
    "NOFX_OUTPUT",
    "NOFX_ARTIFACTS",
)

NAME = Text(
    "the name of a step",
    pattern="[A-Za-z_][A-Za-z0-9_-]{0,63}",
    form="letters, digits, `_` and `-`, at most 64, not a digit first",
    code="plan-bad-name",
)
IDENTIFIER = Text(
    "the name of a parameter",
    pattern="[A-Za-z_][A-Za-z0-9_]{0,63}",
    form="letters, digits and `_`, at most 64, not a digit first",
    code="plan-bad-name",
)
OUTPUT = Text(
    "the name of an output",
    pattern="[A-Za-z_][A-Za-z0-9_-]*",
    form="letters, digits, `_` and `-`, not a digit first",
    code="plan-bad-name",
)
_ARTIFACT = Text(
    "a glob below the workspace",
    pattern=BELOW,
    form="a relative path without `..`",
)
_GLOBS = RuleList(GLOB)

_MODE = Choice(WorkspaceMode.IN_PLACE.value, WorkspaceMode.WORKTREE.value)
_BY_ITSELF = "a worktree where a step writes and there is a repository, else the project's folder"
WORKSPACE = table(
    Field(
        "mode",
        _MODE,
        "Where the run works: `in_place` on the project's folder as it is, `worktree` in a git worktree of its own.",
        default=_BY_ITSELF,
    ),
)
_WORKSPACE = Either(Record(WORKSPACE), _MODE)

REPAIR = table(
    Field("step", Text("the name of a step"), "The step that the findings go back to.", required=True),
    Field(
        "attempts",
        Whole(2, MAX_REPAIR_ATTEMPTS),
        "How often the gate judges at most, the first time counted.",
        default="3",
    ),
)

RETRY = table(
    Field("max_attempts", Whole(1, MAX_ATTEMPTS), "How many attempts at most, the first one counted.", required=True),
    Field(
        "backoff",
        Either(
            ListOf(Duration(may_be_zero=True), "a list of durations", may_be_empty=False), Duration(may_be_zero=True)
        ),
        "The pauses before attempt 2, 3, and so on; the last one repeats.",
        default="`[2s, 5s, 10s]`",
    ),
)

PARAM = table(
    Field("type", Choice("string", "integer", "number", "boolean"), "Its type.", default="string"),
    Field("required", Flag(), "Whether a value must be given.", default="false"),
    Field("default", Json(), "The value where none is given; without it that is null."),
    Field("description", Text(may_be_empty=True), "What it is for."),
    Field("choices", ListOf(Json(), "a list", may_be_empty=False), "The only values that it takes."),
)

STEP = table(
    Field("name", NAME, "Its name, unique in the plan: letters, digits, `_` and `-`.", required=True),
    Field(
        "tool",
        Text("the name of a tool"),
        "What runs it, such as `shell`, `gate:lint` or `manual:release`.",
        required=True,
    ),
    Field(
        "needs",
        ListOf(Text("the name of a step"), "a list of steps"),
        "The steps that must have ended before it starts; `[]` for none.",
        default="the step above",
    ),
    Field(
        "depends_on",
        ListOf(Text("the name of a step"), "a list of steps"),
        "Another name of `needs`.",
        alias_of="needs",
    ),
    Field(
        "when",
        Condition(),
        "Whether it runs: `success` (nothing that it needs has failed), `failure` (something has), `always`, or an "
        "expression that is judged when its needs have ended.",
        default="success",
    ),
    Field("inputs", JsonMapping(), "What the tool is given. Texts in it may be templates.", default="`{}`"),
    Field(
        "env",
        Variables(RESERVED_ENV),
        "Environment variables of its processes. Values may be templates.",
        default="`{}`",
    ),
    Field("timeout", Duration(), "How long an attempt may take.", default="30m"),
    Field(
        "retry",
        Either(Record(RETRY), Whole(1, MAX_ATTEMPTS)),
        "How often a failure that may pass is tried again; a number is `max_attempts`.",
        default="1",
    ),
    Field(
        "severity",
        Choice("blocking", "warning"),
        "Of a gate only: whether its failure blocks what needs it.",
        default="blocking",
    ),
    Field("continue_on_error", Flag(), "Whether what needs it goes on after it failed.", default="false"),
    Field(
        "approval",
        Choice("required", "none", flags={"true": "required", "false": "none"}),
        "Whether a person is asked before it runs.",
        default="none",
    ),
    Field(
        "retry_on_interrupt",
        Flag(),
        "Whether an attempt that was cut off by a crash simply runs again.",
        default="what its tool says",
    ),
    Field("tools_allowed", _GLOBS, "Narrows which tools it may use.", default="what the policy allows"),
    Field("env_allowed", _GLOBS, "Narrows which environment variables it sees.", default="what the policy allows"),
    Field("outputs", ListOf(OUTPUT, "a list of names"), "The outputs that it must give to succeed.", default="`[]`"),
    Field(
        "artifacts",
        ListOf(_ARTIFACT, "a list of globs"),
        "Files of the workspace that are kept with the run after it.",
        default="`[]`",
    ),
    Field("workspace", _WORKSPACE, "Where it works: a run has one workspace.", default="that of the plan"),
    Field(
        "repair",
        Record(REPAIR),
        "Of a gate only: after a failure its findings go back to a step that it needs, directly or through others; "
        "that one, and all that needs it, is done again.",
        default="none",
    ),
    Field("policy", Record(POLICY), "Narrows what it may use further.", default="what the plan's policy allows"),
    Field("secrets_scope", SCOPES, "The scopes of secrets that it has.", default="those of the plan"),
    Field("sandbox", Record(SANDBOX), "Shuts its processes in.", default="that of the plan"),
    Field("budget", Record(BUDGET), "What it may spend, all attempts together.", default="what the run may"),
)

PLAN = table(
    Field("version", Whole(1), "The version of the plan language.", default="1"),
    Field("goal", Text(may_be_empty=True), "What it is for, in one sentence."),
    Field("params", Declared(PARAM, IDENTIFIER, "parameter"), "The parameters that a run can be given, by name."),
    Field(
        "env", Variables(RESERVED_ENV), "Environment variables of every step. Values may be templates.", default="`{}`"
    ),
    Field("workspace", _WORKSPACE, "Where the run works.", default=_BY_ITSELF),
    Field("policy", Record(POLICY), "What its steps may use."),
    Field(
        "concurrency",
        Whole(1, MAX_CONCURRENCY),
        "How many steps run at the same time.",
        default=str(DEFAULT_CONCURRENCY),
    ),
    Field("steps", Steps(STEP), "What is done.", required=True),
    Field("budget", Record(BUDGET), "What a run may spend.", default="no limit"),
    Field("sandbox", Record(SANDBOX), "Shuts the processes of every step in.", default="none"),
    Field("secrets_scope", SCOPES, "The scopes of secrets that every step has.", default="none"),
)
