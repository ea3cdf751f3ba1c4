"""What templates cannot do."""

import pytest

from nofx_cli.ports.rendering import RenderFailed
from tests.unit.planning.renderings import rendered


@pytest.mark.parametrize(
    "expression",
    [
        "params.x.__class__.__mro__",
        "params['x']['__class__']",
        "params.x['upper']",
        "range.__globals__",
        "params['__cla' ~ 'ss__']",
        "run.id.format(1)",
        "run.id.format_map({})",
        "run.id.ljust(1000000000)",
        "run.id.encode()",
        "params.l.append(1)",
        "params.d.update({})",
        "params.d.pop('a')",
        "(params.l | first).__init__",
        "''.join(['a'])",
    ],
)
def test_python_is_out_of_reach(expression: str) -> None:
    with pytest.raises(RenderFailed, match=r"has no|is not defined"):
        rendered(f'"{{{{ {expression} }}}}"', x="a", l=[1], d={"a": 1})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("'a' * 10000000", "the product is too long"),
        ("10000000 * [1]", "the product is too long"),
        ("10 ** 100000", "the power is too large"),
        ("'%1000000000d' % 1", "does not format text"),
        ("range(10000000)", "a range of more than 100,000"),
        ("range(1, 10000000)", "a range of more than 100,000"),
        ("params.x | replace('', params.x)", "the text is too long"),
        ("range(90000) | join(params.x)", "the text is too long"),
        ("params.x ~ params.x ~ params.x ~ params.x", "longer than 1024 KiB"),
    ],
)
def test_nothing_grows_without_bound(expression: str, reason: str) -> None:
    with pytest.raises(RenderFailed, match=reason):
        rendered(f'"{{{{ {expression} }}}}"', x="a" * 300_000)


def test_text_has_a_limit() -> None:
    with pytest.raises(RenderFailed, match="longer than 1024 KiB"):
        rendered('"x{{ params.x }}{{ params.x }}"', x="a" * 600_000)


def test_loops_have_a_limit_together() -> None:
    loops = "{% for a in range(400) %}{% for b in range(400) %}{% endfor %}{% endfor %}"
    with pytest.raises(RenderFailed, match="its loops take more than 100,000 rounds"):
        rendered(f'"{loops}"')
    assert rendered(f'"{loops.replace("400", "300")}"') == ""


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("params.x | upper | replace('A', 'b')", "b"),
        ("params.d.items() | list", [["k", 1]]),
        ("params.l | map('string') | join(',')", "1,2"),
        ("params.l | select('odd') | list", [1]),
        ("params.x.startswith('a')", True),
        ("params.l[0]", 1),
        ("params.l[1:]", [2]),
        ("params.d.get('z', 5)", 5),
        ("params.nothing | default('d')", "d"),
        ("2 ** 10", 1024),
        ("'ab' * 2", "abab"),
        ("7 % 4", 3),
    ],
)
def test_what_is_useful_is_there(expression: str, value: object) -> None:
    declared = {"x": "a", "l": [1, 2], "d": {"k": 1}, "nothing": None}
    if "nothing" in expression:
        expression = expression.replace("params.nothing", "params.d.nothing")
    assert rendered(f'"{{{{ {expression} }}}}"', **declared) == value
