"""Loading a plan never fails in a way that is not told, and no value breaks out of a command."""

import subprocess
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from nofx_cli.domain.plan import Plan
from nofx_cli.planning.codes import CODES
from nofx_cli.planning.diagnostics import PlanInvalid
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.shell_text import ShellScan
from nofx_cli.safety.terminal_text import neutralise
from tests.unit.planning.fake_handlers import FakeHandlers
from tests.unit.planning.renderings import Bench
from tests.unit.planning.test_load import FULL

_FRAGMENTS = st.sampled_from(
    [
        *("{", "}", "[", "]", ": ", "- ", "\n", "\n  ", "\t", "'", '"', "|", ">", "&a ", "*a", "!x ", "<<: ", "? "),
        *("---\n", "...\n", "null", "yes", "0x", "1e", ".nan", "{{ ", " }}", "{% if ", "{% endif %}", "params.x"),
        *("name: ", "needs: ", "tool: ", "when: ", "\u2028", "\ufeff", "\x85", "ü", "\x00", "\r", "😀", "\\x41"),
    ]
)
_YAML_LIKE = st.lists(_FRAGMENTS | st.text(max_size=4), max_size=40).map("".join)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10)
_KEYS = st.sampled_from(["name", "tool", "needs", "when", "inputs", "env", "retry", "timeout", "steps", "params", "x"])
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4), max_leaves=20
)


def load(text: str) -> Plan | PlanInvalid:
    """The plan, or its faults, each of which stands in the text and can be shown."""
    try:
        return load_plan(text, source="x.yaml", handlers=FakeHandlers())
    except PlanInvalid as exc:
        found = exc
    assert found.diagnostics
    assert {fault.code for fault in found.diagnostics} <= set(CODES)
    for fault in found.diagnostics:
        assert min(fault.line, fault.column, fault.length) >= 1
        assert fault.column <= len(fault.text) + 1
    for line in str(found).split("\n"):
        assert neutralise(line) == line
    return found


@given(st.text() | _YAML_LIKE)
@example("steps: !!str [a]")
@example("steps: [!!map x, !!seq {}]")
@example("? [a]\n: b")
@example("steps: [{name: a, tool: shell, inputs: scalar, needs: {a: b}, env: [x]}]")
@example("steps: [{? [x] : 1, name: [a], tool: {b: c}}]")
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_plan_or_told(text: str) -> None:
    load(text)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_change_of_a_good_plan_is_a_plan_or_told(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(FULL)))
    end = data.draw(st.integers(start, min(len(FULL), start + 30)))
    load(FULL[:start] + data.draw(_YAML_LIKE) + FULL[end:])


@given(_VALUES)
@settings(max_examples=100, deadline=None)
def test_any_data_is_a_plan_or_told(value: object) -> None:
    import yaml

    load(yaml.safe_dump({"steps": [{"name": "a", "tool": "shell"}, value], "params": value}, allow_unicode=True))
    load(yaml.safe_dump({"steps": value, "env": value}, default_flow_style=True))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25))
@settings(max_examples=100, deadline=None)
def test_a_cycle_is_told_exactly_where_there_is_one(edges: list[tuple[int, int]]) -> None:
    needs = {n: sorted({need for step, need in edges if step == n}) for n in range(10)}
    steps = [f"- {{name: s{n}, tool: shell, needs: [{', '.join(f's{m}' for m in needs[n])}]}}" for n in range(10)]
    found = load("steps:\n" + "\n".join(steps))
    left = dict(needs)
    while free := [n for n, above in left.items() if not set(above) & set(left)]:
        for n in free:
            del left[n]
    if left:
        assert isinstance(found, PlanInvalid)
        assert {fault.code for fault in found.diagnostics} == {"plan-need-cycle"}
        for fault in found.diagnostics:
            names = fault.message.removeprefix("steps need each other: ").split(" → ")
            assert names[0] == names[-1]
            for name, need in pairwise(names):
                assert "(" in name + need or int(need[1:]) in needs[int(name[1:])]
    else:
        assert isinstance(found, Plan)


_VALUE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)


@given(_VALUE, _VALUE)
@example("'; touch broke; '", "$(touch broke)")
@example("\n", "\\")
@example("-n", "'")
@settings(max_examples=40, deadline=None)
def test_a_shell_prints_exactly_the_value_that_was_given(x: str, y: str) -> None:
    template = "printf '%s|%s' {{ params.x }} a{{ params.y }}b"
    text = f'params: {{x: {{}}, y: {{}}}}\nsteps: [{{name: a, tool: shell, inputs: {{command: "{template}"}}}}]'
    command = Bench(text, x=x, y=y).inputs()["command"]
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=True, timeout=20)
    assert done.stdout.decode() == f"{x}|a{y}b"


_SHELL_PIECES = st.lists(
    st.sampled_from(
        [
            *("'", '"', "`", "$(", ")", "${", "}", "$((", "))", "((", "(", "\\", "#", " ", "\n", "a", "$", "<<E\n"),
            *("\nE\n", "<<", "<<<", "$'", ";", "&&", "case x in a)", "esac", "\t", "@", "@", "@"),
        ]
    ),
    min_size=1,
    max_size=14,
)
_ATTACKS = st.sampled_from(
    ["$(echo broke >&9)", "`echo broke >&9`", ";echo broke >&9;", "'\necho broke >&9 #", "\nE\necho broke >&9\n"]
)


@given(_SHELL_PIECES, _ATTACKS)
@example(["a", "\\", "'", "@"], "$(echo broke >&9)")
@settings(max_examples=100, deadline=None)
def test_where_the_scan_says_that_a_value_may_stand_it_cannot_act(pieces: list[str], value: str) -> None:
    """A real shell is the judge: a value that writes to descriptor 9, if it acts, wherever the scan allows it."""
    scan = ShellScan()
    quoted = "'" + value.replace("'", "'\"'\"'") + "'"
    command = ""
    for literal in _between_values(pieces):
        scan.feed(literal)
        command += literal
        if not scan.obstacle:
            scan.value()
            command += quoted
    for shell in ("sh", "bash"):
        done = subprocess.run(
            [shell, "-c", 'exec 9>&1 >/dev/null 2>&1 </dev/null; eval "$1"', "x", command],
            capture_output=True,
            check=False,
            timeout=20,
        )
        assert b"broke" not in done.stdout


def _between_values(pieces: list[str]) -> list[str]:
    return "".join(pieces).split("@")
