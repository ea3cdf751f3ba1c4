"""From what eslint, tsc, prettier, npm audit and a build say to a verdict, without running them."""

import json
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain.outcome import Failed
from nofx_cli.handlers.gates.audit import HANDLER as AUDIT
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.gate import Check
from nofx_cli.handlers.gates.javascript import eslint, npm_audit, package_build, prettier, tsc
from nofx_cli.handlers.gates.javascript.package_tests import PackageTests
from nofx_cli.testing import FakeContext

W = Path("/w")


def file(name: str, *messages: dict[str, Any], rules: tuple[str, ...] = ()) -> dict[str, Any]:
    stats = {"times": {"passes": [{"rules": {rule: {"total": 0.1} for rule in rules}}]}}
    return {"filePath": f"/w/{name}", "messages": list(messages), "stats": stats}


WARNING = {"ruleId": "eqeqeq", "severity": 1, "message": "no", "line": 1, "column": 1}


class TestEslint:
    @pytest.mark.parametrize(
        ("files", "tells_rules", "verdict", "summary"),
        [
            ([file("a.js", rules=("eqeqeq",))], True, "passed", "no findings in 1 file"),
            ([file("a.js", rules=("eqeqeq",)), file("b.js")], True, "passed", "no findings in 1 file"),
            ([file("a.js"), file("b.js")], True, "vacuous", "eslint examined no file by any rule"),
            ([file("a.js"), file("b.js")], False, "passed", "no findings in 2 files"),
            ([file("eslint.config.js", rules=("eqeqeq",))], True, "vacuous", "eslint examined no file"),
            ([file("eslint.config.js")], False, "vacuous", "eslint examined no file"),
            ([], True, "vacuous", "eslint examined no file"),
            ([file("a.js", WARNING, rules=("eqeqeq",))], True, "passed", "1 finding in 1 file"),
        ],
    )
    def test_what_counts_as_examined(
        self, files: list[dict[str, Any]], tells_rules: bool, verdict: str, summary: str
    ) -> None:
        report = json.dumps(files).encode()
        evidence = eslint.judge(report, exit_code=0, last="", workspace=W, tells_rules=tells_rules)
        assert (evidence.verdict, evidence.summary, evidence.report) == (verdict, summary, report)

    @pytest.mark.parametrize("report", [b"", b"{", b"{}", b"[3]", b'[{"filePath": "a"}]', b'[{"messages": 3}]'])
    def test_what_is_no_report(self, report: bytes) -> None:
        with pytest.raises(NoEvidence):
            eslint.judge(report, exit_code=0, last="", workspace=W, tells_rules=True)


class TestTsc:
    @pytest.mark.parametrize(("printed", "told"), [(b"", "without saying what"), (b"all is well\n", "all is well")])
    def test_without_naming_a_file_it_gives_no_evidence(self, printed: bytes, told: str) -> None:
        with pytest.raises(NoEvidence, match=told):
            tsc.judge(printed, exit_code=0, last="", workspace=W)

    def test_its_own_library_and_packages_do_not_count(self) -> None:
        printed = b"/usr/lib/lib.d.ts\n/w/node_modules/a/index.d.ts\n/w/src/a.ts\n"
        assert tsc.judge(printed, exit_code=0, last="", workspace=W).counts["files"] == 1
        assert tsc.judge(printed.replace(b"/w/src", b"/v"), exit_code=0, last="", workspace=W).verdict == "vacuous"


class TestPrettier:
    LOOKED = "[debug] resolve config from '/w/{}'"

    @pytest.mark.parametrize(
        ("listed", "said", "exit_code", "verdict", "summary"),
        [
            (b"", [LOOKED.format("a.js")], 0, "passed", "0 of 1 file would be reformatted"),
            (
                b"a.js\n",
                [LOOKED.format("a.js"), LOOKED.format("b.ts")],
                1,
                "failed",
                "1 of 2 files would be reformatted",
            ),
            (b"a.js\n", [], 0, "failed", "1 of 1 file would be reformatted"),
            (
                b"",
                [LOOKED.format("a.js"), "[error] a.js: SyntaxError: Unexpected token (2:1)"],
                2,
                "failed",
                "0 of 1 file would be reformatted, 1 cannot be parsed",
            ),
            (b"", [LOOKED.format("a.png")], 0, "vacuous", "prettier examined no file"),
            (b"", ["[debug] normalized argv: {}"], 0, "vacuous", "prettier examined no file"),
            (
                b"",
                ['[error] No supported files were found in the directory: ".".'],
                2,
                "vacuous",
                "prettier examined no file",
            ),
        ],
    )
    def test_the_verdict(self, listed: bytes, said: list[str], exit_code: int, verdict: str, summary: str) -> None:
        evidence = prettier.judge(listed, said, exit_code=exit_code, workspace=W)
        assert (evidence.verdict, evidence.summary) == (verdict, summary)

    @pytest.mark.parametrize(
        ("said", "exit_code", "told"),
        [
            ([], 0, "without saying what it examined"),
            (["[error] Invalid configuration for file"], 2, "code 2: Invalid configuration for file"),
            (["TypeError: x"], 1, "code 1$"),
            ([LOOKED.format("a.js")], 137, "code 137"),
        ],
    )
    def test_what_is_no_evidence(self, said: list[str], exit_code: int, told: str) -> None:
        with pytest.raises(NoEvidence, match=told):
            prettier.judge(b"", said, exit_code=exit_code, workspace=W)


NO_ADVISORY: dict[str, Any] = {"vulnerabilities": {}, "metadata": {"vulnerabilities": {}, "dependencies": {"total": 3}}}


class TestNpmAudit:
    @pytest.mark.parametrize("exit_code", [1, 2, 127])
    def test_an_exit_code_that_contradicts_the_report(self, exit_code: int) -> None:
        with pytest.raises(NoEvidence, match=f"code {exit_code}"):
            npm_audit.judge(json.dumps(NO_ADVISORY).encode(), exit_code=exit_code, last="", workspace=W)

    @pytest.mark.parametrize("report", [b"", b"{}", b'{"error": {}}', b'{"message": "no", "error": {"code": "E404"}}'])
    def test_an_answer_with_nothing_is_no_audit(self, report: bytes) -> None:
        with pytest.raises(NoEvidence):
            npm_audit.judge(report, exit_code=0, last="", workspace=W)

    @pytest.mark.parametrize(
        ("lock", "summary", "hint"),
        [
            ("", "there is no package-lock.json to audit", "npm install --package-lock-only"),
            ("yarn.lock", "npm cannot audit what yarn.lock locks", "a command of yarn"),
            ("pnpm-lock.yaml", "npm cannot audit what pnpm-lock.yaml locks", "a command of pnpm"),
        ],
    )
    def test_without_a_lock_file_of_npm(self, tmp_path: Path, lock: str, summary: str, hint: str) -> None:
        ctx = FakeContext(tmp_path, tool="gate:audit")
        for name in filter(None, ("package.json", lock)):
            (ctx.workspace / name).write_text("{}")
        outcome = AUDIT.run(ctx)
        assert isinstance(outcome, Failed)
        assert (outcome.error.code, outcome.error.message) == ("gate-errored", summary)
        assert hint in outcome.error.hint
        assert ctx.calls == []


class TestBuild:
    @pytest.mark.parametrize(
        ("written", "exit_code", "verdict", "summary"),
        [
            (["dist/a.js"], 0, "passed", "1 file built"),
            ([], 0, "vacuous", "the build made no file"),
            (["dist/a.js"], 2, "failed", "npm run build exited with code 2: no"),
        ],
    )
    def test_the_verdict(self, written: list[str], exit_code: int, verdict: str, summary: str) -> None:
        evidence = package_build.judge(written, exit_code=exit_code, last=": no")
        assert (evidence.verdict, evidence.summary) == (verdict, summary)

    def test_a_program_that_is_not_there_is_no_failed_build(self) -> None:
        with pytest.raises(NoEvidence, match="could not be run: tsc: not found"):
            package_build.judge([], exit_code=127, last=": tsc: not found")


@pytest.mark.parametrize(
    "check",
    [
        eslint.Eslint(),
        tsc.Tsc(),
        prettier.Prettier(),
        npm_audit.NpmAudit(),
        package_build.PackageBuild(),
        PackageTests(),
    ],
    ids=lambda check: check.name,
)
def test_every_check_has_a_report_and_options_that_it_refuses(check: Check) -> None:
    assert check.report
    assert check.refused_args
