"""Every plan in the documentation is one that nofx accepts, beside the files that its page has the reader write."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.typist import File, pieces

REPOSITORY = Path(__file__).resolve().parents[2]
_YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def plans_in(page: str) -> list[str]:
    """The blocks of YAML that are whole plans: `steps` is a key of the document itself."""
    return [block for block in _YAML.findall(page) if re.search(r"^steps:", block, re.MULTILINE)]


PAGES = [
    page
    for page in sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
    if plans_in(page.read_text("utf-8"))
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_plan_of_a_page_is_accepted(page: Path, tmp_path: Path) -> None:
    text = page.read_text("utf-8")
    for piece in pieces(text):
        if isinstance(piece, File):
            (tmp_path / piece.path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / piece.path).write_text(piece.text)
    names = [f"plan-{number}.yaml" for number, _ in enumerate(plans_in(text), 1)]
    for name, plan in zip(names, plans_in(text), strict=True):
        (tmp_path / name).write_text(plan)
    command = [sys.executable, "-m", "nofx_cli", "plan", "check", *names]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pages_with_plans_are_found() -> None:
    names = {page.name for page in PAGES}
    assert names >= {"README.md", "plan.md", "tutorial.md", "use-gates.md", "write-a-handler.md", "write-a-plan.md"}


def test_a_workflow_of_a_ci_system_is_no_plan() -> None:
    assert plans_in("```yaml\njobs:\n  x:\n    steps: []\n```\n") == []
    assert plans_in("```yaml\nsteps: []\n```\n") == ["steps: []\n"]
