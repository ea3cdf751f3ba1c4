"""Whether a command may run, by rules on its words: seen through wrappers and shell text, or refused.

Three things are asked of every program that a command starts:

- No level denies it. A rule that denies is matched eagerly: by name, by the real file, by a copy of it.
- Every level that lists what it allows lists it. Wrappers (`env`, `timeout`, `xargs`, `sh -c`) are looked through: it
  is what they start that must be listed.
- What runs code that nobody can see, or starts others by an option, is named by a rule that allows just that.

What cannot be decided is refused. Where no level says anything about commands, nothing is asked, at no cost. What a
program that is allowed does by itself is not seen: that is what a sandbox is for.

`command_verdict` asks; `command_wrappers`, `command_shells`, `command_git` and `command_escapes` know the programs,
`command_programs` their files, `shell_grammar` the text of shells.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nofx_cli.domain.policy import Rule, Rules
from nofx_cli.domain.record import record

if TYPE_CHECKING:
    from nofx_cli.safety.command_verdict import Verdict


@record
class Refusal:
    """Why a command may not run: the rule (`deny: rm`, `allow: `ls`, `git *``), where it stands, and why."""

    rule: str
    source: str
    why: str


def check_command(
    levels: Sequence[Rules],
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    base_env: Mapping[str, str],
    cwd: Path,
    workspace: Path,
) -> Refusal | None:
    """Whether a command may run; None where it may.

    Args:
        levels: what each level says about commands, widest first.
        argv: the command, without a shell unless one stands in it.
        env: the environment that it would get; `base_env` is the one without what plan and step set.
        cwd: the folder that it would run in.
        workspace: where the relative paths in rules begin.
    """
    from nofx_cli.safety.command_programs import Place

    return _refusal(levels, lambda verdict: verdict.check(argv, Place(env, cwd, workspace), base_env))


def check_environment(
    levels: Sequence[Rules], *, env: Mapping[str, str], base_env: Mapping[str, str]
) -> Refusal | None:
    """Whether a command that needs no rule may have this environment; None where it may. As `check_command`."""
    return _refusal(levels, lambda verdict: verdict.check_environment(env, base_env))


def _refusal(levels: Sequence[Rules], check: "Callable[[Verdict], None]") -> Refusal | None:
    in_force = [rules for rules in levels if rules.deny or rules.allow is not None]
    if not in_force:
        return None
    from nofx_cli.safety.command_rules import read_rules
    from nofx_cli.safety.command_verdict import Refused, Verdict

    try:
        read = [read_rules(rules) for rules in in_force]
    except ValueError as exc:
        rule: Rule = exc.args[0]
        kind = "deny" if any(rule in rules.deny for rules in in_force) else "allow"
        return Refusal(
            f"{kind}: {rule}", rule.source, f"the rule `{rule}` cannot be read: it has no word, or an open quote"
        )
    try:
        check(Verdict(read))
    except Refused as exc:
        return Refusal(exc.rule, exc.source, exc.why)
    return None
