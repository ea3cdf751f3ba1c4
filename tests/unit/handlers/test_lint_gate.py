"""`gate:lint`: ruff's JSON report and messages become a verdict."""

import json
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed, Succeeded, Verdict
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.findings import Finding
from nofx_cli.handlers.gates.lint import HANDLER, judge, read_messages
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext, ProcessCall, process_result

WORKSPACE = Path("/w")
ITEM = {
    "code": "F401",
    "filename": "/w/src/a.py",
    "fix": {"applicability": "safe"},
    "location": {"row": 3, "column": 8},
    "message": "`os` imported but unused",
    "severity": "error",
}
MESSAGES = """\
[2026-11-22][10:47:32][ruff::resolve][DEBUG] Using configuration file (via parent) at: /w/pyproject.toml
[2026-11-22][10:47:32][ruff::diagnostics][DEBUG] Checking: /w/pyproject.toml
[2026-11-22][10:47:32][ruff::diagnostics][DEBUG] Checking: /w/ruff.toml
[2026-11-22][10:47:32][ruff::diagnostics][DEBUG] Checking: /w/src/a.py
warning: something is deprecated
[2026-11-22][10:47:32][ruff::commands::check][DEBUG] Checked 2 files in: 570.596µs
"""


def report(*items: object) -> bytes:
    return json.dumps(items).encode()


class TestJudge:
    def test_no_finding_in_some_files_is_a_pass(self) -> None:
        evidence = judge(report(), exit_code=0, files=120, workspace=WORKSPACE)
        assert (evidence.verdict, evidence.summary) == (Verdict.PASSED, "no findings in 120 files")
        assert evidence.counts == {"files": 120, "findings": 0, "fixable": 0}
        assert evidence.report == report()

    @pytest.mark.parametrize("exit_code", [0, 1])
    def test_a_finding_fails_whatever_the_exit_code(self, exit_code: int) -> None:
        evidence = judge(report(ITEM, {**ITEM, "fix": None}), exit_code=exit_code, files=1, workspace=WORKSPACE)
        assert (evidence.verdict, evidence.summary) == (Verdict.FAILED, "2 findings in 1 file")
        assert evidence.counts == {"files": 1, "findings": 2, "fixable": 1}
        assert evidence.findings[0] == Finding("src/a.py", 3, 8, "F401", "error", "`os` imported but unused")

    def test_a_file_that_does_not_parse_is_a_finding(self) -> None:
        old = {**ITEM, "code": None, "fix": None, "severity": None, "location": None, "filename": "/elsewhere/x.py"}
        evidence = judge(report(old), exit_code=1, files=1, workspace=WORKSPACE)
        assert evidence.verdict is Verdict.FAILED
        assert evidence.findings[0] == Finding("/elsewhere/x.py", 0, 0, "invalid-syntax", "error", str(ITEM["message"]))

    def test_no_file_is_vacuous(self) -> None:
        evidence = judge(report(), exit_code=0, files=0, workspace=WORKSPACE)
        assert (evidence.verdict, evidence.counts) == (Verdict.VACUOUS, {"files": 0})

    @pytest.mark.parametrize(
        ("data", "exit_code", "told"),
        [
            (b"", 0, "the report of ruff is empty"),
            (b'[{"code": "F4', 1, "the report of ruff is not JSON"),
            (b"[" * 200_000, 1, "the report of ruff is not JSON"),
            (b'{"findings": []}', 0, "the report of ruff is no list of JSON objects"),
            (b"[1]", 1, "the report of ruff is no list of JSON objects"),
            (b"[]", 1, "ruff exited with code 1, yet reported no finding"),
            (report({**ITEM, "code": "E902", "message": "No such file"}), 1, "could not read src/a.py: No such file"),
        ],
    )
    def test_what_cannot_be_believed_is_no_evidence(self, data: bytes, exit_code: int, told: str) -> None:
        with pytest.raises(NoEvidence, match=told):
            judge(data, exit_code=exit_code, files=1, workspace=WORKSPACE)


class TestMessages:
    def test_the_files_that_were_examined_are_counted_without_settings(self) -> None:
        assert read_messages(MESSAGES) == (["/w/src/a.py"], ["warning: something is deprecated"])

    def test_messages_of_another_form_say_nothing(self) -> None:
        assert read_messages("DEBUG checking /w/a.py\n\n") == (None, ["DEBUG checking /w/a.py"])


class FakeRuff:
    """Does what ruff does with its options, without ruff."""

    def __init__(
        self,
        *,
        exit_code: int = 0,
        messages: str = MESSAGES,
        data: bytes = b"[]",
        files: str = "",
        settings: str = "linter.rules.enabled = [\n\tF401,\n]\n",
    ) -> None:
        self.exit_code, self.messages, self.data = exit_code, messages, data
        self.files, self.settings = files, settings

    def __call__(self, call: ProcessCall) -> ProcessResult:
        written = Path(call.argv[call.argv.index("--output-file") + 1])
        if "--show-settings" in call.argv:
            written.write_text(self.settings)
            return process_result()
        if "--show-files" in call.argv:
            written.write_text(self.files)
            return process_result()
        Path(call.argv[3]).write_text(self.messages)
        if self.data:
            written.write_bytes(self.data)
        return process_result(self.exit_code)


class TestRun:
    @pytest.fixture(autouse=True)
    def ruff(self, tmp_path: Path) -> Path:
        program = tmp_path / "workspace/.venv/bin/ruff"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        return program

    def test_ruff_is_kept_from_changing_anything_and_from_a_cache(self, tmp_path: Path, ruff: Path) -> None:
        ctx = FakeContext(tmp_path, {"args": ["--select", "F"], "paths": ["."]}, processes=FakeRuff())
        assert isinstance(HANDLER.run(ctx), Succeeded)
        assert ctx.calls[0].argv[4:] == (
            *(str(ruff), "check", "--select", "F", "--extend-exclude", str(ctx.store)),
            *("--no-cache", "--no-fix", "--no-fix-only", "--verbose"),
            *("--output-format", "json", "--output-file", str(ctx.scratch / "ruff" / "ruff.json"), "--", "."),
        )

    def test_what_ruff_says_besides_is_in_the_log(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, processes=FakeRuff())
        HANDLER.run(ctx)
        assert [line for line in ctx.logged if not line.startswith("$ ")] == [
            "warning: something is deprecated",
            "passed: no findings in 1 file",
        ]

    def test_a_project_that_selects_no_rule_has_examined_nothing(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, processes=FakeRuff(settings="linter.rules.enabled = []\nlinter.x = 1\n"))
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Failed)
        assert (outcome.error.code, outcome.error.message) == ("gate-vacuous", "no rule is selected")

    def test_a_finding_stands_whatever_is_selected(self, tmp_path: Path) -> None:
        ruff = FakeRuff(exit_code=1, data=report({**ITEM, "code": None}), settings="linter.rules.enabled = []\n")
        outcome = HANDLER.run(FakeContext(tmp_path, processes=ruff))
        assert isinstance(outcome, Failed)
        assert outcome.error.code == "gate-failed"

    def test_where_the_messages_cannot_be_read_the_files_are_listed(self, tmp_path: Path) -> None:
        ruff = FakeRuff(messages="checked\n", files="/w/a.py\n/w/b.py\n/w/pyproject.toml\n")
        outcome = HANDLER.run(FakeContext(tmp_path, processes=ruff))
        assert isinstance(outcome, Succeeded)
        assert outcome.outputs["files"] == 2

    def test_a_crash_tells_ruffs_last_words(self, tmp_path: Path) -> None:
        ruff = FakeRuff(exit_code=2, messages="ruff failed\n  Cause: TOML parse error\n", data=b"")
        outcome = HANDLER.run(FakeContext(tmp_path, processes=ruff))
        assert isinstance(outcome, Failed)
        assert outcome.error.message == "ruff exited with code 2: Cause: TOML parse error"

    def test_an_exit_without_a_report_is_no_pass(self, tmp_path: Path) -> None:
        outcome = HANDLER.run(FakeContext(tmp_path, processes=FakeRuff(data=b"")))
        assert isinstance(outcome, Failed)
        assert outcome.error.code == "gate-errored"

    def test_a_path_that_is_not_there_is_told_before_ruff_is_asked(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, {"paths": [".", "scr"]})
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Failed)
        assert (outcome.error.message, outcome.error.hint) == ("the workspace has no scr", "correct `paths`")
        assert ctx.calls == []
