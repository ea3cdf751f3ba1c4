"""What templates become."""

import pytest

from nofx_cli.domain.step_state import StepStatus
from nofx_cli.ports.rendering import RenderFailed
from tests.unit.planning.renderings import Bench, command, rendered

TWO_STEPS = """\
params: {{n: {{}}}}
steps:
  - {{name: build-it, tool: shell}}
  - {{name: a, tool: shell, inputs: {{cwd: {0}}}}}
"""


def test_without_a_template_the_same_object_comes_back() -> None:
    bench = Bench("steps: [{name: a, tool: shell, inputs: {command: echo, deep: [{x: [1]}]}, env: {A: b}}]")
    assert bench.inputs() is bench.step.inputs
    assert bench.env() == {"A": "b"}


def test_a_single_expression_keeps_its_type() -> None:
    assert rendered("'{{ params.n }}'", n=3) == 3
    assert rendered("'{{ params.n }}'", n=None) is None
    assert rendered("'{{- params.n + 1 -}}'", n=3) == 4
    assert rendered("'{{ params.n > 2 }}'", n=3) is True
    assert rendered("'{{ params.n }}'", n=[1, {"a": None}]) == [1, {"a": None}]
    assert rendered("'{{ range(3) | map(\"string\") }}'") == ["0", "1", "2"]


def test_anything_else_is_text_and_values_in_it_are_json() -> None:
    assert rendered("' {{ params.n }}'", n=3) == " 3"
    assert rendered("'{{ params.n }}{{ params.n }}'", n=True) == "truetrue"
    assert rendered("'n={{ params.n }}'", n=[1, "ü", None]) == 'n=[1,"ü",null]'
    assert rendered("'{{ params.n | json }}'", n={"b": 1, "a": 2}) == '{"b":1,"a":2}'


def test_null_is_no_part_of_a_text() -> None:
    with pytest.raises(RenderFailed) as caught:
        rendered("'a {{ params.n }}'", n=None)
    assert str(caught.value) == (
        "inputs.x: `a {{ params.n }}`: a value that is null cannot be a part of a text; "
        "write `… or ''` for an empty text"
    )
    assert rendered("\"a{{ params.n or '' }}\"", n=None) == "a"


def test_lines_loops_and_conditions_stay_as_they_are_written() -> None:
    template = "|\n    {% for x in params.n %}\n    {{ x }}{% if loop.last %}!{% endif %}\n    {% endfor %}\n"
    text = f"params: {{n: {{}}}}\nsteps:\n- name: a\n  tool: test:echo\n  inputs:\n   x: {template}"
    assert Bench(text, n=[1, 2]).inputs() == {"x": "\n1\n\n2!\n\n"}


def test_raw_text_and_shell_syntax_are_no_templates() -> None:
    assert rendered("'{% raw %}{{ x }}{% endraw %} {{ run.id }} ${#x} {# y #}'") == "{{ x }} r1 ${#x} {# y #}"


def test_values_stand_anywhere_in_the_inputs() -> None:
    bench = Bench(
        "params: {n: {}}\nsteps: [{name: a, tool: 'test:echo', inputs: {x: [{y: 'n{{ params.n }}'}, 1]}}]", n=2
    )
    assert bench.inputs() == {"x": [{"y": "n2"}, 1]}


def test_outputs_status_run_and_environment_are_seen() -> None:
    template = "\"{{ steps['build-it'].outputs.v }} {{ steps['build-it'].status }} {{ run.goal }} {{ env.USER }}\""
    assert Bench(TWO_STEPS.format(template)).ended("build-it", v="1.2").inputs()["cwd"] == "1.2 succeeded a goal ada"


def test_names_of_methods_are_names_of_values_too() -> None:
    bench = Bench("""\
steps:
  - {name: items, tool: shell}
  - {name: a, tool: 'test:echo', inputs: {x: '{{ steps.items.outputs.keys }} {{ steps.items.outputs.get }}'}}
""").ended("items", keys="k", get="g")
    assert bench.inputs() == {"x": "k g"}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "\"{{ steps['build-it'].outputs.w }}\"",
            "`{{ steps['build-it'].outputs.w }}`: `steps['build-it'].outputs.w` is not defined (there is `v`)",
        ),
        ("'x{{ env.NONE }}'", "`env.NONE` is not defined (it is not set, or the policy does not allow it)"),
        ("'{{ params.n.x }}'", "a number has no `x`"),
        ("'{{ params.n.x.y }}'", "a number has no `x`"),
        ("'{{ 1 / 0 }}'", "division by zero"),
        ("'{{ params.n + \"a\" }}'", "unsupported operand"),
    ],
)
def test_what_cannot_be_rendered_names_place_expression_and_reason(template: str, reason: str) -> None:
    with pytest.raises(RenderFailed) as caught:
        Bench(TWO_STEPS.format(template), n=3).ended("build-it", v="1").inputs()
    assert str(caught.value).startswith("inputs.cwd: `")
    assert reason in str(caught.value)


def test_a_step_without_outputs_says_so() -> None:
    bench = Bench(TWO_STEPS.format("'{{ steps[\"build-it\"].outputs.v }}'")).ended("build-it", StepStatus.SKIPPED)
    with pytest.raises(RenderFailed, match="step build-it is skipped and has no outputs"):
        bench.inputs()


def test_env_of_the_plan_and_of_the_step_are_one() -> None:
    bench = Bench(
        "params: {n: {}}\nenv: {A: plan, B: 'n={{ params.n }}', U: '{{ env.USER }}'}\n"
        "steps: [{name: a, tool: shell, env: {A: '{{ params.n }}'}}]",
        n=True,
    )
    assert bench.env() == {"A": "true", "B": "n=true", "U": "ada"}


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        ("params.n == 3", True),
        ("'{{ params.n == 4 }}'", False),
        ("steps['build-it'].status == 'failed'", True),
        ("steps['build-it'].outputs.changed", False),
        ("steps['build-it'].outputs.empty", False),
        ("steps['build-it'].outputs.missing is defined", False),
        ("steps['build-it'].outputs.missing | default('true')", True),
        ("params.n", True),
        ("none", False),
    ],
)
def test_conditions(expression: str, outcome: bool) -> None:
    step = f"- name: a\n  tool: shell\n  when: {expression}\n"
    text = f"params: {{n: {{}}}}\nsteps:\n- {{name: build-it, tool: shell}}\n{step}"
    bench = Bench(text, n=3).ended("build-it", StepStatus.FAILED, changed="false", empty="")
    assert bench.holds() is outcome


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("steps.b.outputs.x", "`steps.b.outputs.x` is not defined"),
        ("steps.b.outputs.text", "it gives `maybe`, which is neither true nor false"),
        ("steps.b.outputs", "which is neither true nor false"),
    ],
)
def test_a_condition_that_cannot_be_judged_says_why(expression: str, reason: str) -> None:
    bench = Bench(f"steps: [{{name: b, tool: shell}}, {{name: a, tool: shell, when: {expression}}}]")
    with pytest.raises(RenderFailed) as caught:
        bench.ended("b", text="maybe").holds()
    assert str(caught.value).startswith(f"`{expression}`: ")
    assert reason in str(caught.value)


def test_every_value_in_a_command_is_quoted_once() -> None:
    assert command("echo {{ params.x }} {{ params.x | sh }}", x="a'b c") == "echo 'a'\"'\"'b c' 'a'\"'\"'b c'"
    assert command("'{{ params.x }}'", x="rm -rf /") == "'rm -rf /'"
    assert command("cp {{ params.x }} out", x=["a b", "c", 3]) == "cp 'a b' c 3 out"
    assert command("echo --x={{ params.x }}", x="") == "echo --x=''"
    assert command("echo {{ params.x ~ params.x | sh }}", x="$y") == "echo '$y'\"'\"'$y'\"'\"''"


def test_quoting_cannot_be_undone_in_the_template() -> None:
    assert command("echo {{ params.x | sh | replace(\"'\", '') }}", x="$(id)") == "echo '$(id)'"
    assert (
        command("echo {{ params.x | sh | trim('$') if false else (params.x | sh)[1:-1] }}", x="$(id)") == "echo '$(id)'"
    )


def test_what_a_branch_makes_of_the_quotes_is_seen_when_it_is_rendered() -> None:
    template = 'echo {% if params.q %}"{% endif %}\n{% if not params.q %}""{% else %}{{ params.x }}"{% endif %}'
    text = "params: {q: {}, x: {}}\nsteps:\n- name: a\n  tool: 'test:echo'\n"
    bench = Bench(text, q=True, x="$(id)")
    with pytest.raises(RenderFailed, match="would stand inside double quotes, where quoting does not protect"):
        bench.renderer._compiled().command(template, bench.renderer._names(bench.step, bench.state))


def test_in_a_list_words_are_words_and_only_text_for_a_shell_is_quoted() -> None:
    assert command("[echo, '{{ params.x }}', 'a{{ params.x }}', 3]", x="$a b") == ["echo", "$a b", "a$a b", 3]
    assert command("[/bin/bash, -e, -uc, 'echo {{ params.x }}', '{{ params.x }}']", x="$a b") == [
        *("/bin/bash", "-e", "-uc"),
        "echo '$a b'",
        "$a b",
    ]
    assert command("[env, X=1, '{{ params.s }}', -c, 'echo {{ params.x }}']", s="sh", x="$a") == [
        *("env", "X=1", "sh", "-c"),
        "echo '$a'",
    ]


def test_a_command_has_no_nul() -> None:
    with pytest.raises(RenderFailed, match="NUL"):
        command("echo {{ params.x }}", x="a\0b")
    with pytest.raises(RenderFailed, match="NUL"):
        command('"echo \\0 {{ params.x }}"', x="a")
