"""Pictures of the graph of a plan."""

from nofx_cli.domain.plan import Plan
from nofx_cli.planning.graph import as_dot, as_mermaid, as_text
from nofx_cli.planning.load import load_plan
from tests.unit.planning.fake_handlers import FakeHandlers

TEXT = """\
steps:
  - {name: lint, tool: gate:lint, needs: [], severity: warning}
  - {name: unit-tests, tool: shell, needs: []}
  - {name: look, tool: shell, needs: [lint], approval: required}
  - {name: ask, tool: "manual:release", needs: [lint, unit-tests]}
  - {name: undo, tool: shell, needs: [ask], when: failure}
  - {name: tell, tool: shell, needs: [ask, look], when: "steps.ask.status == \\"failed\\""}
"""


def plan(text: str = TEXT) -> Plan:
    return load_plan(text, source="x.yaml", handlers=FakeHandlers())


def test_a_terminal_shows_level_by_level() -> None:
    assert as_text(plan()) == (
        "  1 ┌ lint        gate:lint       never blocks\n"
        "    └ unit-tests  shell\n"
        "  2 ┌ look        shell           ← lint  asks first\n"
        "    └ ask         manual:release  ← lint, unit-tests\n"
        "  3 ┌ undo        shell           ← ask  when failure\n"
        '    └ tell        shell           ← ask, look  when steps.ask.status == "failed"'
    )


def test_mermaid_has_every_step_and_need() -> None:
    assert as_mermaid(plan()).split("\n") == [
        "flowchart TD",
        '  s0["lint<br/>gate:lint"]',
        '  s1["unit-tests<br/>shell"]',
        '  s2("look<br/>shell")',
        '  s3("ask<br/>manual:release")',
        '  s4["undo<br/>shell"]',
        '  s5["tell<br/>shell"]',
        "  s0 --> s2",
        "  s0 --> s3",
        "  s1 --> s3",
        "  s3 -->|failure| s4",
        "  s3 -->|steps.ask.status == #34;failed#34;| s5",
        "  s2 -->|steps.ask.status == #34;failed#34;| s5",
    ]


def test_dot_has_every_step_and_need() -> None:
    lines = as_dot(plan()).split("\n")
    assert lines[:4] == ["digraph plan {", "  node [shape=box];", '  "lint" [label="lint\\ngate:lint"];', lines[3]]
    assert '  "ask" [label="ask\\nmanual:release", style=rounded];' in lines
    assert '  "ask" -> "tell" [label="steps.ask.status == \\"failed\\""];' in lines
    assert lines[-1] == "}"


def test_a_long_chain_is_no_deep_recursion() -> None:
    steps = "".join(f"- {{name: s{n}, tool: shell}}\n" for n in range(3000))
    assert as_text(plan(f"steps:\n{steps}")).split("\n")[-1] == "3000 ─ s2999  shell  ← s2998"
