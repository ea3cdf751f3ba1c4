"""The summary of a job's step: Markdown in which foreign text is only text."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli.cli.github import step_summary
from nofx_cli.cli.github.step_summary import append_summary, markdown, summary_markdown
from nofx_cli.cli.github.telling import folder_in_repository
from nofx_cli.domain.findings import KNOWN, Finding
from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.reports.gate_report import GateReport

ERROR = Finding("src/a.py", 3, 7, "F401", "error", "unused", "ruff", "aa:1")
FAILED = GateReport("lint", "gate:lint", Verdict.FAILED, "1 finding in 1 file", findings=(ERROR,), duration_ms=208)
PASSED = replace(FAILED, step="quality", verdict=Verdict.PASSED, summary="no findings", findings=())


def summary(*reports: GateReport, limit: int = 2**20) -> str:
    return summary_markdown(reports, title="nofx run x failed", more="nofx gates report x", limit=limit)


def test_gates_and_findings_are_tables() -> None:
    known = replace(ERROR, state=KNOWN, path="b.py")
    assert summary(replace(FAILED, findings=(known, ERROR)), PASSED, replace(FAILED, blocking=False, findings=())) == (
        "### nofx run x failed\n"
        "\n"
        "| gate | verdict | evidence | took |\n"
        "|---|---|---|---|\n"
        "| gate&#58;lint | ❌ failed | 1 finding in 1 file | 208ms |\n"
        "| quality&#58; gate&#58;lint | ✅ passed | no findings | 208ms |\n"
        "| gate&#58;lint | ⚠️ failed (does not block) | 1 finding in 1 file | 208ms |\n"
        "\n"
        "| severity | place | rule | finding |\n"
        "|---|---|---|---|\n"
        "| error | src/a.py&#58;3&#58;7 | F401 | unused |\n"
        "| error, known | b.py&#58;3&#58;7 | F401 | unused |\n"
        "\n"
    )


def test_without_findings_there_is_no_second_table() -> None:
    assert "severity" not in summary(PASSED)


def test_nothing_of_foreign_text_is_markdown_or_html() -> None:
    evil = "| <img src=x> [a](http://b) `c` **d** @all www.evil.com &lt; \\| \x1b[2J\u202e\nnew # line"
    text = markdown(evil)
    assert not re.search(r"[|<>\[\]`*@\n\x1b\u202e\\]", text.replace("\\u202e", ""))
    assert "www.evil" not in text
    rows = summary(replace(FAILED, summary=evil, findings=(replace(ERROR, path=evil, rule=evil, message=evil),)))
    assert all(line.count("|") == 5 for line in rows.splitlines() if line.startswith("|"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("- x", "&#45; x"), ("---", "&#45;--"), ("=", "&#61;"), ("12. x", "&#49;2. x"), ("1.2 x-y 3. z", "1.2 x-y 3. z")],
)
def test_a_line_of_foreign_text_begins_no_list_and_is_no_rule(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_rows_that_have_no_room_are_counted() -> None:
    findings = tuple(replace(ERROR, line=line) for line in range(1, 700))
    text = summary(replace(FAILED, findings=findings))
    assert text.count("| error |") == 500
    assert "… and 199 findings more: `nofx gates report x`" in text
    short = summary(replace(FAILED, findings=findings), limit=2_000)
    assert 0 < len(short.encode()) <= 2_000
    assert f"… and {699 - short.count('| error |')} findings more" in short


class TestFile:
    def test_it_is_appended(self, tmp_path: Path) -> None:
        path = tmp_path / "summary.md"
        path.write_text("before\n")
        assert append_summary(path, [FAILED], title="one", more="m")
        assert append_summary(path, [PASSED], title="two", more="m")
        text = path.read_text("utf-8")
        assert text.startswith("before\n### one\n")
        assert "### two\n" in text

    def test_a_file_that_is_full_is_left_alone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(step_summary, "LIMIT", 300)
        path = tmp_path / "summary.md"
        path.write_text("x" * 200)
        assert not append_summary(path, [FAILED], title="one", more="m")
        assert path.read_text() == "x" * 200


def test_where_a_project_lies_in_the_repository(tmp_path: Path) -> None:
    (tmp_path / "repo/services/api").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "repo")
    repository = str(tmp_path / "link")
    assert folder_in_repository(tmp_path / "repo/services/api", repository) == "services/api"
    assert folder_in_repository(tmp_path / "repo", repository) == ""
    assert folder_in_repository(tmp_path, repository) == folder_in_repository(tmp_path, "") == ""
