"""The plan language as tables: the checker, the JSON Schema and the reference page all come from them."""

from nofx_cli.domain.plan import DEFAULT_CONCURRENCY
from nofx_cli.planning.kinds import Choice, Condition, Duration, Flag, Json, Later, Text, Whole
from nofx_cli.planning.reading import Field, table
from nofx_cli.planning.structures import Declared, Either, JsonMapping, ListOf, Record, Steps, Variables

MAX_CONCURRENCY = 256
MAX_ATTEMPTS = 100
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
_GLOB = Text("a glob such as `gate:*`")
_ARTIFACT = Text(
    "a glob below the workspace",
    pattern=r"(?!/)(?!(.*/)?\.\.(/|$)).+",
    form="a relative path without `..`",
)
_GLOBS = ListOf(_GLOB, "a list of globs")

WORKSPACE = table(Field("mode", Choice("in_place", later=("worktree",)), "Where the run works.", default="in_place"))
_WORKSPACE = Either(Record(WORKSPACE), Choice("in_place", later=("worktree",)))

POLICY_TOOLS = table(
    Field("allow", _GLOBS, "Globs of the tools that steps may use.", default="every tool"),
    Field("deny", _GLOBS, "Globs of tools that no step may use; it wins over `allow`.", default="none"),
)
POLICY_ENV = table(
    Field("allow", _GLOBS, "Globs of the environment variables that steps see besides the usual few.", default="none"),
)
POLICY = table(
    Field("tools", Record(POLICY_TOOLS), "Which tools steps may use."),
    Field("env", Record(POLICY_ENV), "Which environment variables steps see."),
    Field("write", Later(), "Where steps may write."),
    Field("read", Later(), "What steps may read."),
    Field("network", Later(), "Which hosts steps may reach."),
    Field("models", Later(), "Which models steps may use."),
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
    Field("workspace", _WORKSPACE, "Where it works.", default="in_place"),
    Field(
        "repair",
        Later("let a person decide: add a `manual:` step with `when: failure`"),
        "Findings go back to a model.",
    ),
    Field(
        "policy", Later("`tools_allowed` and `env_allowed` narrow what a step may use"), "Narrows the plan's policy."
    ),
    Field("secrets_scope", Later(), "The secrets that it may use."),
    Field("sandbox", Later(), "Shuts its processes in."),
    Field("budget", Later("`timeout` limits the time of a step"), "What it may cost."),
)

PLAN = table(
    Field("version", Whole(1), "The version of the plan language.", default="1"),
    Field("goal", Text(may_be_empty=True), "What it is for, in one sentence."),
    Field("params", Declared(PARAM, IDENTIFIER, "parameter"), "The parameters that a run can be given, by name."),
    Field(
        "env", Variables(RESERVED_ENV), "Environment variables of every step. Values may be templates.", default="`{}`"
    ),
    Field("workspace", _WORKSPACE, "Where the run works.", default="in_place"),
    Field("policy", Record(POLICY), "What its steps may use."),
    Field(
        "concurrency",
        Whole(1, MAX_CONCURRENCY),
        "How many steps run at the same time.",
        default=str(DEFAULT_CONCURRENCY),
    ),
    Field("steps", Steps(STEP), "What is done.", required=True),
    Field("budget", Later("`timeout` limits the time of a step"), "What a run may cost."),
    Field("sandbox", Later(), "Shuts processes in."),
    Field("secrets_scope", Later(), "The secrets that steps may use."),
)
