"""`gate:format`: what ruff and black print becomes a verdict."""

from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.format import HANDLER, is_for_black, judge
from nofx_cli.testing import FakeContext, process_result

WORKSPACE = Path("/w")
RUFF = """\
b.py:1:2: unformatted: File would be reformatted
c.py:1:5: invalid-syntax: Expected an identifier
1 file would be reformatted, 2 files already formatted
"""
OLD_RUFF = """\
error: Failed to parse c.py:1:5: Expected an identifier
Would reformat: b.py
1 file would be reformatted, 2 files already formatted
"""
BLACK = """\
would reformat /w/b.py
error: cannot parse: /w/c.py:1:4
    def (
       ^
ParseError: bad input

Oh no!
1 file would be reformatted, 2 files would be left unchanged, 1 file would fail to reformat.
"""
OLD_BLACK = """\
would reformat /w/b.py
error: cannot format /w/c.py: Cannot parse: 1:4: def (

Oh no!
1 file would be reformatted, 2 files would be left unchanged, 1 file would fail to reformat.
"""


@pytest.mark.parametrize(("text", "exit_code"), [(RUFF, 2), (OLD_RUFF, 2), (BLACK, 123), (OLD_BLACK, 123), (RUFF, 0)])
def test_files_to_be_changed_and_files_that_do_not_parse_are_findings(text: str, exit_code: int) -> None:
    evidence = judge(text.encode(), by="x", exit_code=exit_code, workspace=WORKSPACE)
    assert evidence.verdict is Verdict.FAILED
    assert evidence.summary == "1 of 4 files would be reformatted, 1 cannot be parsed"
    assert evidence.counts == {"files": 4, "findings": 2, "unparsed": 1}
    assert {finding.path: finding.rule for finding in evidence.findings} == {
        "b.py": "unformatted",
        "c.py": "invalid-syntax",
    }


@pytest.mark.parametrize("text", ["3 files already formatted\n", "All done!\n3 files would be left unchanged.\n"])
def test_files_as_they_should_be_pass(text: str) -> None:
    evidence = judge(text.encode(), by="x", exit_code=0, workspace=WORKSPACE)
    assert (evidence.verdict, evidence.counts["files"]) == (Verdict.PASSED, 3)


@pytest.mark.parametrize(
    "text",
    [
        "warning: No Python files found under the given path(s)\n",
        "No Python files are present to be formatted. Nothing to do\n",
    ],
)
def test_no_file_is_vacuous(text: str) -> None:
    assert judge(text.encode(), by="x", exit_code=0, workspace=WORKSPACE).verdict is Verdict.VACUOUS


@pytest.mark.parametrize(
    ("text", "exit_code", "said"),
    [
        ("", 0, "x ended without its summary"),
        ("3 files already formatted\n", 1, "x exited with code 1"),
        ("ruff failed\n  Cause: bad TOML\n", 2, "x exited with code 2: Cause: bad TOML"),
        ("a.py: io: /w/a.py: Permission denied\n1 file already formatted\n", 2, "x could not read a.py"),
    ],
)
def test_what_cannot_be_believed_is_no_evidence(text: str, exit_code: int, said: str) -> None:
    with pytest.raises(NoEvidence, match=said):
        judge(text.encode(), by="x", exit_code=exit_code, workspace=WORKSPACE)


class TestBlack:
    def test_it_is_for_projects_with_settings_of_it_and_none_of_ruffs_formatter(self, tmp_path: Path) -> None:
        settings = tmp_path / "pyproject.toml"
        for text, expected in (
            ("[tool.black]\n", True),
            ("[tool.black]\n[tool.ruff.lint]\n", True),
            ("[tool.black]\n[tool.ruff.format]\n", False),
            ("", False),
            ("[tool.black", False),
        ):
            settings.write_text(text)
            assert is_for_black(tmp_path) is expected, text

    def test_it_keeps_the_projects_own_exclusions_and_its_cache_to_itself(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, processes=[process_result()])
        program = ctx.workspace / ".venv/bin/black"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        (ctx.workspace / "pyproject.toml").write_text("[tool.black]\nextend-exclude = 'old'\n")
        HANDLER.run(ctx)
        argv = ctx.calls[0].argv
        assert argv[argv.index(str(program)) :] == (
            *(str(program), "--check", "--no-color", "--extend-exclude", "(?:old\n)|^/local_data/", "--", "."),
        )
        assert ctx.calls[0].env == {"BLACK_CACHE_DIR": f"{ctx.scratch}/black/cache"}


def test_options_that_would_spoil_the_evidence_are_refused() -> None:
    for option in ("--diff", "--stdin-filename=x", "-q", "--output-format=json", "--code=x"):
        assert HANDLER.check({"args": [option]}) != []
