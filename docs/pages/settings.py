"""The page of settings, from the tables of them."""

from nofx_cli.config.settings import DECLARED, Declared
from nofx_cli.planning.agent_settings import AGENT
from nofx_cli.planning.budgets import PROJECT_BUDGET
from nofx_cli.planning.model_settings import LIMITS, MODELS, PRICE, PROVIDER, ROUTES, SETTINGS
from nofx_cli.planning.project_rules import APPROVALS, GATE, PROJECT, SECRET
from nofx_cli.planning.reference import section

_HEAD = """\
# Settings

A setting comes from a flag, then from a variable `NOFX_*`, then from `nofx.yaml` in the project's folder, then from its
default. `nofx config show` says what is in force and where it comes from.

The project is the nearest folder, from the one you are in upwards, that has a `nofx.yaml` or is a git checkout; where
there is none, it is the folder you are in.

| key in `nofx.yaml` | variable | default | what it is |
|---|---|---|---|
"""


_STRUCTURE = """\

Besides these, `nofx.yaml` has what plans cannot say for themselves. It is checked like a plan: every fault is told with
its line. A policy that cannot be read allows nothing.

```yaml
policy:
  tools: {allow: [shell, "gate:*", "manual:*"]}
  commands: {deny: ["git push"]}
  write: {allow: ["docs/**", "src/**"]}
gates:
  coverage: {floor: 85}
  licences: {command: [reuse, lint, --json], parser: exit-code, timeout: 2m}
secrets:
  github: {GITHUB_TOKEN: {env: GH_TOKEN}, DEPLOY_KEY: {file: ~/.keys/deploy}}
  llm: {OPENAI_API_KEY: {env: OPENAI_API_KEY}}
approvals: {weakened: ask}
models:
  routes: {codegen: [openai/gpt-5, local/smollm2], docs: [local/smollm2]}
  providers:
    local: {base_url: "http://127.0.0.1:8080/v1", key: none}
    openai: {key: llm/OPENAI_API_KEY}
  settings:
    local/smollm2: {price: {input: 0, output: 0}, edits: whole, max_output_tokens: 512}
agents:
  reviewer: {command: [review-tool, "--task={prompt_file}"], timeout: 10m}
budget: {usd: 5.00, per: day}
```
"""

_AFTER_PROVIDERS = """\
A name of a model is `<provider>/<model>`. A key itself never stands in `nofx.yaml`: what is written in the place of its
source is refused, and not shown. A provider with a `base_url` on another machine must say which `key` goes there, and
plain `http` is for this machine, for `key: none`, and for `insecure: true`.
"""


def settings_page() -> str:
    """The page `docs/reference/settings.md`."""
    tables = (
        section("Rules of the project", PROJECT),
        section("`gates.<name>`", GATE),
        section("`secrets.<scope>.<variable>`: one of", SECRET),
        section("`approvals`", APPROVALS),
        section("`models`", MODELS),
        section("`models.routes`", ROUTES),
        section("`models.providers.<name>`", PROVIDER) + "\n" + _AFTER_PROVIDERS,
        section("`models.settings.<provider>/<model>`", SETTINGS),
        section("`models.settings.<provider>/<model>.price`", PRICE),
        section("`models.limits`", LIMITS),
        section("`agents.<name>`", AGENT),
        section("`budget`", PROJECT_BUDGET),
    )
    policy = "`policy` is as in plans: [the keys](plan.md#policy).\n"
    return "\n".join([_HEAD + "".join(map(_row, DECLARED)) + _STRUCTURE, *tables, policy])


def _row(setting: Declared) -> str:
    key = f"`{setting.key}`" if setting.key else ""
    default = f"`{setting.default}`" if setting.default else ""
    return f"| {key} | `{setting.variable}` | {default} | {setting.description} |\n"
