"""Typer is held below 0.29, which builds commands through pydantic (docs/decisions/0004-typer-below-0.29.md).

Whoever lifts the limit learns here whether the reason for it is gone: if both tests pass with a newer Typer, it is.
"""

import subprocess
import sys
from importlib.metadata import requires

PROGRAM = """
import sys, typer
app = typer.Typer()
@app.command()
def hello(name: str = "you", *, loud: bool = False) -> None:
    print("hello", name)
try:
    app(["--name", "Ada"])
finally:
    print(*sorted({"pydantic", "pydantic_core"} & set(sys.modules)))
"""


def test_a_command_is_built_and_called_without_pydantic() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["hello Ada", ""], (
        "this Typer imports pydantic: every command would start slowly"
    )


def test_typer_does_not_bring_pydantic_along() -> None:
    assert not [line for line in requires("typer") or [] if line.startswith("pydantic") and "extra ==" not in line]
