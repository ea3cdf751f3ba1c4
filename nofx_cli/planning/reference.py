"""The reference page of the plan language, made from the tables that the checker reads.

`python -m nofx_cli.planning.reference` prints it.
"""

from collections.abc import Iterator

from nofx_cli.planning.budgets import BUDGET, POLICY_BUDGET
from nofx_cli.planning.codes import CODES
from nofx_cli.planning.fields import PARAM, PLAN, REPAIR, RETRY, STEP, WORKSPACE
from nofx_cli.planning.kinds import Later
from nofx_cli.planning.reading import Field, Table
from nofx_cli.planning.rules import POLICY, RULES, SANDBOX

_HEAD = """\
# The plan language

A plan is one YAML file. `nofx plan check FILE` tells every fault of it, with line and column; `nofx run FILE` does the
same before it creates anything. Editors that know JSON Schema check and complete a plan whose first line names
[plan.schema.json](plan.schema.json):

```yaml
# yaml-language-server: $schema=docs/reference/plan.schema.json
goal: Verify, ask, publish
params:
  tag: {type: string, required: true, description: what is published}
steps:
  - {name: lint, tool: gate:lint, needs: []}
  - {name: unit, tool: gate:unit, needs: [], retry: 2}
  - {name: release, tool: "manual:release", needs: [lint, unit]}
  - name: publish
    tool: shell
    inputs: {command: "./publish {{ params.tag }}"}
    timeout: 5m
```

The YAML is that of the core schema of version 1.2: `true` and `false` are the only booleans (`yes` and `on` are text),
dates are text, keys are text. Anchors and aliases may be used; merge keys (`<<`), other tags, a second document and
more than 64 levels of nesting are refused, and so is a file of more than 16 MiB.
"""

_AFTER_STEPS = """\
- Names of steps have letters, digits, `_` and `-`, at most 64 characters, and do not begin with a digit.
- A step without `needs` follows the step above it; `needs: []` makes it a root.
- Durations are written like `250ms`, `10s`, `1.5s`, `5m`, `1h`; the longest is 30 days.
- In `env`, numbers and booleans become text, numbers as they are written.
"""

_AFTER_BUDGET = """\
Before each call to a model the most that it can cost is reserved, and settled when it has ended: steps that run at the
same time cannot pass a limit together. `nofx.yaml` may have limits for all runs, too, and policies theirs; of each
limit the narrowest counts.
"""

_AFTER_REPAIR = """\
Every round is on record. It ends where the gate passes, after `attempts` rounds, at a budget, and where the same
findings come back or there are not fewer of them; the best round is kept. A gate that only warns
(`severity: warning`) may have a `repair`, too.
"""

_TEMPLATES = """\
## Templates

Texts in `inputs` and values of `env` are [Jinja](https://jinja.palletsprojects.com/) templates; `when` is an
expression, with or without `{{ }}` around it. They see

| name | what it is |
|---|---|
| `params.<name>` | a parameter; null where an optional one has neither value nor default |
| `steps.<name>.outputs.<key>` | what a step gave; `steps['a-b']` where a name has a `-` |
| `steps.<name>.status` | how a step ended: `succeeded`, `failed`, `skipped`, `cancelled` |
| `run.id`, `run.goal` | of this run |
| `env.<NAME>` | an environment variable that `policy.env.allow` names |

A step sees only steps that it needs, directly or through others. `env` of the plan sees no steps.

- A text that is one expression and nothing else, `"{{ params.count }}"`, gives the value itself, with its type.
  Any other gives text: booleans, lists and mappings as JSON; null is an error (`{{ params.note or '' }}` is not).
- There are expressions, `{% if %}`, `{% for %}` and `{% raw %}`, and nothing else: no `set`, macros or includes.
- The filters are those of Jinja that neither grow a text without bound nor reach into Python, and `sh` (quote for a
  shell; a list item by item) and `json`.
- What is not defined is an error; so are more than 100,000 rounds of loops, and a text of more than 1 MiB.

### In commands

The `command` of a `shell` step is shell text where it is a text, and so is what follows `-c` where it is a list that
starts a shell. **Every value that a template puts there is quoted**, as `| sh` does, whether that is written or not:

| written | with the value `a'b; rm -rf .` |
|---|---|
| `echo {{ params.x }}` | `echo 'a'"'"'b; rm -rf .'` |
| `cp {{ params.files }} out/`, of a list | each item quoted, with spaces between them |

Quoting protects where the shell reads quotes, and only there. A value inside quotes, a here-document, `$(( ))`,
`${ }`, backticks or a comment is refused (`plan-quoted-template`). Write `--title={{ params.x }}` and not
`"--title={{ params.x }}"`, or pass the value in `env` and write `"$TITLE"`. A value that begins with `-` is still read
as an option by the program: put `--` before it.
"""


def plan_page() -> str:
    """The page `docs/reference/plan.md`."""
    parts = [
        _HEAD,
        section("The plan", PLAN),
        section("A step", STEP) + "\n" + _AFTER_STEPS,
        section("`params.<name>`", PARAM),
        section("`retry`", RETRY),
        section("`budget`", BUDGET) + "\n" + _AFTER_BUDGET,
        section("`repair`", REPAIR) + "\n" + _AFTER_REPAIR,
        section("`policy`", POLICY),
        *(section(f"`policy.{aspect}`", fields) for aspect, fields in RULES.items()),
        section("`policy.budget`", POLICY_BUDGET),
        section("`sandbox`", SANDBOX),
        section("`workspace`", WORKSPACE),
        _TEMPLATES,
        _not_yet(),
        _diagnostics(),
    ]
    return "\n".join(parts)


def section(title: str, fields: Table) -> str:
    """A table of fields under a heading."""
    return "\n".join([f"## {title}", "", "| key | takes | default | |", "|---|---|---|---|", *_rows(fields), ""])


def _rows(fields: Table) -> Iterator[str]:
    for entry in fields.values():
        if not isinstance(entry.kind, Later):
            default = "required" if entry.required else entry.default
            yield f"| `{entry.name}` | {entry.kind.label} | {default} | {entry.description} |"


def _not_yet() -> str:
    keys = [f"| `{prefix}{entry.name}` | {_sentence(entry)} |" for prefix, entry in _later_fields()]
    head = "## Not supported yet\n\nRefused with `plan-not-yet-supported`, never ignored:\n"
    return "\n".join([head, "| what | until then |", "|---|---|", *keys, ""])


def _later_fields() -> Iterator[tuple[str, Field]]:
    for prefix, fields in (("", PLAN), ("policy.", POLICY), ("steps[].", STEP)):
        for entry in fields.values():
            if isinstance(entry.kind, Later):
                yield prefix, entry


def _sentence(entry: Field) -> str:
    return entry.kind.hint if isinstance(entry.kind, Later) else ""


def _diagnostics() -> str:
    rows = [f"| `{code}` | {meaning} |" for code, meaning in CODES.items()]
    return "\n".join(["## Diagnostics", "", "| code | what it means |", "|---|---|", *rows, ""])


if __name__ == "__main__":
    import sys

    sys.stdout.write(plan_page())
