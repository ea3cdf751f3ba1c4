"""What `policy explain` tells before a run is what the run then does, for policies that chance makes."""

import json
import random
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.acceptance.program import Program

pytestmark = pytest.mark.acceptance

POOLS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "tools": (("shell", "sh*", "*", "shel?"), ("gate:*", "manual:*")),
    "commands": (("touch *", "* *", "touch out.0", "touch out.1"), ("ls *", "mkdir *", "touch x")),
    "write": (("out.*", "out.[01]", "**", "out.0"), ("docs/**", "docs/*")),
    "env": (("MARK", "M*", "*", "[MO]*"), ("OTHER", "NOTHING")),
    "secrets": (("vault", "v*", "*"), ("safe", "s*", "cellar")),
}
"""By aspect: patterns that are about what the steps do, and patterns that mostly are not."""
STEPS = 4


def _rules(chance: random.Random) -> dict[str, dict[str, list[str]]]:
    """Rules of one level. Most say nothing in most respects, allow what is done, and deny what is not."""
    found: dict[str, dict[str, list[str]]] = {}
    for aspect, (near, far) in POOLS.items():
        lists = {}
        if chance.random() < (0.6 if aspect == "env" else 0.2):
            lists["allow"] = [*chance.sample(near, chance.choice((0, 1, 1, 2))), *chance.sample(far, 1)]
        if chance.random() < 0.3:
            lists["deny"] = [*chance.sample(near, chance.choice((0, 0, 0, 1))), *chance.sample(far, 1)]
        if lists:
            found[aspect] = lists
    return found


def _step(number: int, chance: random.Random) -> dict[str, Any]:
    command = f'touch out.{number}; test -z "$MARK" || echo mark; test -z "$OTHER" || echo other'
    scopes = chance.choice(([], ["vault"], ["safe"], ["vault", "safe"]))
    return {
        "name": f"s{number}",
        "tool": "shell",
        "needs": [],
        "inputs": {"command": command},
        "policy": _rules(chance),
        **({"secrets_scope": scopes} if scopes else {}),
    }


def _written(levels: Mapping[str, Mapping[str, Mapping[str, list[str]]]]) -> list[dict[str, Any]]:
    """Rows as they should be told: by aspect, then by level, what is allowed before what is denied."""
    return [
        {"aspect": aspect, "says": says, "patterns": levels[level][aspect][says], "level": level}
        for aspect in POOLS
        for level in levels
        for says in ("allow", "deny")
        if says in levels[level].get(aspect, {})
    ]


class Said:
    """What three levels of rules say of one step, judged by the plainest means."""

    def __init__(self, rows: list[dict[str, Any]], scopes: Sequence[str]) -> None:
        self._rows, self.scopes = rows, scopes

    def may(self, aspect: str, fits: Any) -> bool:
        """Whether no row that denies fits, and every row that allows has something that does."""
        rows = [row for row in self._rows if row["aspect"] == aspect]
        denied = any(fits(pattern) for row in rows if row["says"] == "deny" for pattern in row["patterns"])
        return not denied and all(any(map(fits, row["patterns"])) for row in rows if row["says"] == "allow")

    def sees(self, name: str) -> bool:
        """A variable must be let through by project or plan."""
        opened = any(row["aspect"] == "env" and row["says"] == "allow" for row in self._rows if row["level"] != "step")
        return opened and self.may("env", lambda pattern: fnmatchcase(name, pattern))

    def may_run(self, number: int) -> bool:
        """Its tool, its scopes, and the command `touch`; `test` and `echo` are the shell's own."""

        def of_command(pattern: str, *, deny: bool) -> bool:
            words = pattern.split()
            argument = (len(words) == 1 and deny) or words[1:] == ["*"] or words[1:] == [f"out.{number}"]
            return fnmatchcase("touch", words[0]) and argument

        rows = [row for row in self._rows if row["aspect"] == "commands"]
        commands = not any(of_command(p, deny=True) for row in rows if row["says"] == "deny" for p in row["patterns"])
        for row in rows:
            commands = commands and (row["says"] == "deny" or any(of_command(p, deny=False) for p in row["patterns"]))
        return commands and self.may_begin()

    def may_begin(self) -> bool:
        """Its tool and its scopes."""
        tool = self.may("tools", lambda pattern: fnmatchcase("shell", pattern))
        return tool and all(
            self.may("secrets", lambda pattern, s=scope: fnmatchcase(s, pattern)) for scope in self.scopes
        )

    def may_write(self, number: int) -> bool:
        return self.may("write", lambda pattern: pattern == "**" or fnmatchcase(f"out.{number}", pattern))


@pytest.mark.parametrize("seed", range(16))
def test_a_run_does_what_was_told_before(nofx: Program, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    monkeypatch.setenv("MARK", "x")
    monkeypatch.setenv("OTHER", "x")
    monkeypatch.setenv("VAULT", "a value of the test")
    scopes = {scope: {"TOKEN": {"env": "VAULT"}} for scope in ("vault", "safe")}
    project, of_plan = _rules(chance), _rules(chance)
    (nofx.folder / "nofx.yaml").write_text(json.dumps({"secrets": scopes, "policy": project}))
    steps = [_step(number, chance) for number in range(STEPS)]
    plan = nofx.plan(f"concurrency: 1\npolicy: {json.dumps(of_plan)}\nsteps: {json.dumps(steps)}\n")

    explained = nofx("policy", "explain", plan, "--json")
    ended = nofx("run", plan, "--no-wait")

    denied = {event.step for event in nofx.events() if event.type == "policy.denied"}
    assert ended.code == (6 if denied else 0)
    for number, (step, told) in enumerate(zip(steps, json.loads(explained.out), strict=True)):
        rows = _written({"project": project, "plan": of_plan, "step": step["policy"]})
        assert [_bare(row) for row in told["rules"] if row["level"] != "nofx"] == rows
        said = Said(rows, step.get("secrets_scope", []))
        may_run = said.may_run(number)
        assert bool(told["denied"]) == (not said.may_begin())
        assert (nofx.folder / f"out.{number}").exists() == may_run
        assert (f"s{number}" in denied) == (not (may_run and said.may_write(number)))
        if may_run:
            assert _log(nofx, f"s{number}").split() == [name.lower() for name in ("MARK", "OTHER") if said.sees(name)]


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "source"}


def _log(nofx: Program, step: str) -> str:
    try:
        return nofx.log(step)
    except FileNotFoundError:
        return ""  # it said nothing
