"""What a step may use, judged at three levels: the project's `nofx.yaml`, the plan, the step.

A thing is allowed where no rule of any level denies it, and every level that lists what it allows lists it; so a level
can only narrow what the ones before it leave. Environment variables are let through only where project or plan list
them. It fails closed: what no rule allows, and what cannot be read or decided, is denied.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nofx_cli.domain.plan import Plan, Step
from nofx_cli.domain.policy import NEVER_BY_DEFAULT, SAME_TOOL, Aspect, Level, Rule, Rules
from nofx_cli.domain.project import ProjectRules
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import shortened
from nofx_cli.safety.globs import matches, path_matches

if TYPE_CHECKING:
    from nofx_cli.safety.commands import Refusal

_NOUNS: Mapping[Aspect, str] = {
    Aspect.TOOLS: "use the tool",
    Aspect.COMMANDS: "run",
    Aspect.WRITE: "write",
    Aspect.ENV: "see the variable",
    Aspect.SECRETS: "have the secrets of scope",
    Aspect.HOSTS: "reach",
    Aspect.TABLES: "touch the table",
    Aspect.OPERATIONS: "do the operation",
}

_SHOWN = 200
"""How much of a command, in characters, a denial repeats."""


@record
class Denial:
    """Why a step may not: the rule as it is written, where it stands, and a sentence for people."""

    rule: str
    source: str
    message: str

    @property
    def hint(self) -> str:
        return f"the rule is {self.rule} in {self.source}"


@record
class Said:
    """One level's rules in one respect, and which level it is: `project`, `plan` or `step`."""

    level: str
    rules: Rules


class Permissions:
    """What one step may use. `fault` says why the policy cannot be read: then everything is denied."""

    def __init__(self, step: str, levels: Sequence[tuple[str, Level]], *, fault: str = "") -> None:
        self._step, self._levels, self._fault = step, tuple(levels), fault
        self._env = self.said(Aspect.ENV)

    def said(self, aspect: Aspect) -> list[Said]:
        """The levels that say something in this respect, widest first."""
        return [Said(name, level[aspect]) for name, level in self._levels if aspect in level]

    def check_tool(self, tool: str) -> Denial | None:
        """Whether it may use a tool; what denies its other name denies it."""
        other = SAME_TOOL.get(tool, tool)
        return self._check(Aspect.TOOLS, tool, matches) or self._check_denied(Aspect.TOOLS, tool, other)

    def check_scope(self, scope: str) -> Denial | None:
        """Whether it may have a scope of secrets."""
        return self._check(Aspect.SECRETS, scope, matches)

    def check_host(self, url: str) -> Denial | None:
        """Whether it may reach the host of an address (`https://api.example.org/x`, or `host:port`)."""
        from nofx_cli.safety.hosts import host_fault, host_matches

        said = self.said(Aspect.HOSTS)
        rules = [rule for one in said for rule in (*(one.rules.allow or ()), *one.rules.deny)]
        faults = [(rule.source, why) for rule in rules if (why := host_fault(rule.pattern, pattern=True))]
        if said and not self._fault and (why := host_fault(url)):
            faults.insert(0, (said[0].rules.source, why))
        for source, why in faults[:1]:
            return Denial("hosts: it cannot be read", source, f"step {self._step} may not reach `{url}`: {why}")
        return self._check(Aspect.HOSTS, url, host_matches)

    def check_table(self, table: str) -> Denial | None:
        """Whether it may touch a table of a database. What is denied is denied however its name is written."""
        folded = (rule for said in self.said(Aspect.TABLES) for rule in said.rules.deny)
        found = next((rule for rule in folded if matches(table.casefold(), rule.pattern.casefold())), None)
        return self._check(Aspect.TABLES, table, matches) or (
            None if found is None else self._denied(Aspect.TABLES, table, found, level="")
        )

    def check_operation(self, operation: str) -> Denial | None:
        """Whether it may do an operation on a database, such as `update`; `sql` and `ddl` only where they are listed.

        A step only narrows: by itself it allows neither.
        """
        denial = self._check(Aspect.OPERATIONS, operation, matches)
        if denial is not None or operation not in NEVER_BY_DEFAULT or self.lists_operation(operation):
            return denial
        message = f"{self._may_not(Aspect.OPERATIONS, operation)}neither project nor plan allows it"
        return Denial(f"operations.allow: {operation}", "policy.operations.allow", message)

    def lists_operation(self, operation: str) -> bool:
        """Whether project or plan list it among what they allow."""
        listed = (said.rules.allow or () for said in self.said(Aspect.OPERATIONS) if said.level != "step")
        return any(rule.pattern == operation for rules in listed for rule in rules)

    def check_write(self, path: str) -> Denial | None:
        """Whether it may write a path below the workspace, given with `/` and without `..` or links."""
        return self._check(Aspect.WRITE, path, path_matches)

    def check_command(
        self, argv: Sequence[str], *, env: Mapping[str, str], base_env: Mapping[str, str], cwd: Path, workspace: Path
    ) -> Denial | None:
        """Whether it may run a command in that environment; `base_env` is the one without what plan and step set."""
        if self._fault:
            return self._unreadable(Aspect.COMMANDS, argv[0] if argv else "")
        levels = [said.rules for said in self.said(Aspect.COMMANDS)]
        if not levels:
            return None
        from nofx_cli.safety.commands import check_command

        return self._refused(
            argv, check_command(levels, argv, env=env, base_env=base_env, cwd=cwd, workspace=workspace)
        )

    def check_environment(
        self, argv: Sequence[str], *, env: Mapping[str, str], base_env: Mapping[str, str]
    ) -> Denial | None:
        """Whether plan and step leave alone, in `env`, what decides which programs a command of nofx's own runs."""
        levels = [said.rules for said in self.said(Aspect.COMMANDS)]
        if self._fault or not levels or env == base_env:
            return None
        from nofx_cli.safety.commands import check_environment

        return self._refused(argv, check_environment(levels, env=env, base_env=base_env))

    def _refused(self, argv: Sequence[str], refusal: "Refusal | None") -> Denial | None:
        if refusal is None:
            return None
        message = f"step {self._step} may not run `{shortened(' '.join(argv), _SHOWN)}`: {refusal.why}"
        return Denial(f"commands.{refusal.rule}", refusal.source, message)

    @property
    def lists_env(self) -> bool:
        """Whether any variable besides the few that all have can be seen.

        A step only narrows: by itself it lets nothing through.
        """
        return not self._fault and any(said.rules.allow is not None for said in self._env if said.level != "step")

    def sees(self, name: str) -> bool:
        """Whether processes of the step see an environment variable besides the few that all have."""
        return self.lists_env and _judge([said.rules for said in self._env], name, matches) is None

    def env_patterns(self) -> list[str]:
        """What the narrowest level that says something lets through, as it is written."""
        if not self.lists_env:
            return []
        listed = [said.rules.allow for said in self._env if said.rules.allow is not None]
        return [rule.pattern for rule in listed[-1] if self._fits(rule.pattern, listed[:-1])]

    def _fits(self, pattern: str, levels: Sequence[tuple[Rule, ...]]) -> bool:
        from nofx_cli.safety.globs import common

        return all(any(common(pattern, rule.pattern) for rule in level) for level in levels)

    def _check_denied(self, aspect: Aspect, name: str, other: str) -> Denial | None:
        rules = (rule for said in self.said(aspect) for rule in said.rules.deny)
        found = next((rule for rule in rules if matches(other, rule.pattern)), None)
        return None if found is None else self._denied(aspect, name, found, level="")

    def _check(self, aspect: Aspect, name: str, fits: Callable[[str, str], bool]) -> Denial | None:
        if self._fault:
            return self._unreadable(aspect, name)
        said = self.said(aspect)
        if not said:
            return None
        found = _judge([one.rules for one in said], name, fits)
        if found is None:
            return None
        level, rule = found
        where = said[level]
        if rule is not None:
            return self._denied(aspect, name, rule, level=where.level)
        source = where.rules.source or f"{where.level}: policy.{aspect}.allow"
        listed = ", ".join(f"`{one.pattern}`" for one in where.rules.allow or ()) or "nothing"
        return Denial(
            f"{aspect}.allow: {listed}", source, f"{self._may_not(aspect, name)}{source} allows only {listed}"
        )

    def _denied(self, aspect: Aspect, name: str, rule: Rule, *, level: str) -> Denial:
        source = rule.source or f"{level}: policy.{aspect}.deny"
        message = f"{self._may_not(aspect, name)}{source} denies `{rule.pattern}`"
        return Denial(f"{aspect}.deny: {rule.pattern}", source, message)

    def _may_not(self, aspect: Aspect, name: str) -> str:
        return f"step {self._step} may not {_NOUNS[aspect]} `{name}`: "

    def _unreadable(self, aspect: Aspect, name: str) -> Denial:
        message = f"{self._may_not(aspect, name)}the policy cannot be read: {self._fault}"
        return Denial("a policy that cannot be read allows nothing", "nofx.yaml", message)


def permissions_of(rules: ProjectRules, plan: Plan, step: Step) -> Permissions:
    """What a step of a plan may use in a project."""
    return Permissions(step.name, list(_levels(rules, plan, step)), fault=rules.fault)


def _levels(rules: ProjectRules, plan: Plan, step: Step) -> Iterator[tuple[str, Level]]:
    yield "project", rules.policy
    yield "plan", plan.policy
    yield "step", step.policy


def _judge(levels: Sequence[Rules], name: str, fits: Callable[[str, str], bool]) -> tuple[int, Rule | None] | None:
    """The level that denies a name, with the rule that does, or None where its list has none that fits."""
    for place, rules in enumerate(levels):
        for rule in rules.deny:
            if fits(name, rule.pattern):
                return place, rule
    for place, rules in enumerate(levels):
        if rules.allow is not None and not any(fits(name, rule.pattern) for rule in rules.allow):
            return place, None
    return None
