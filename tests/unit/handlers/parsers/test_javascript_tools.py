"""What the tools of JavaScript print: eslint, tsc, npm audit."""

from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain.outcome import Verdict
from nofx_cli.domain.project import Parser
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence
from nofx_cli.handlers.gates.parsers.table import judge_of
from tests.unit.handlers.parsers.samples import ESLINT_ERROR, ESLINT_FILE, NPM, NPM_VULNERABLE, as_json

WORKSPACE = Path("/w")
IGNORED = {"ruleId": None, "fatal": False, "severity": 1, "message": "File ignored because of a matching pattern."}
WARNING = {**ESLINT_ERROR, "severity": 1}
PRETTY = (
    "\x1b[96msrc/a.ts\x1b[0m:\x1b[93m1\x1b[0m:\x1b[93m7\x1b[0m - \x1b[91merror\x1b[0m\x1b[90m TS2322: \x1b[0m"
    "Type 'x' is not assignable."
)
OF_NPM_6: dict[str, Any] = {
    "advisories": {},
    "metadata": {"vulnerabilities": {"low": 0}, "dependencies": 3, "totalDependencies": 9},
}


def judged(parser: Parser, data: bytes, exit_code: int = 0) -> Evidence:
    return judge_of(parser)(data, exit_code=exit_code, last=": last", workspace=WORKSPACE)


def eslint(*messages: object, **more: object) -> bytes:
    return as_json([{**ESLINT_FILE, "messages": messages, **more}])


class TestEslint:
    def test_an_error_fails_at_its_place(self) -> None:
        evidence = judged(Parser.ESLINT_JSON, eslint(ESLINT_ERROR, WARNING, errorCount=1), 1)
        assert str(evidence.findings[0]) == "src/a.js:1:4 no-undef 'b' is not defined."
        assert (evidence.counts["errors"], evidence.counts["warnings"], evidence.counts["files"]) == (1, 1, 1)

    @pytest.mark.parametrize(("exit_code", "verdict"), [(0, Verdict.PASSED), (1, Verdict.FAILED)])
    def test_warnings_fail_where_eslint_was_told_so(self, exit_code: int, verdict: Verdict) -> None:
        evidence = judged(Parser.ESLINT_JSON, eslint(WARNING, warningCount=1), exit_code)
        assert (evidence.verdict, evidence.counts["warnings"]) == (verdict, 1)

    def test_a_file_that_does_not_parse_is_a_finding(self) -> None:
        fatal = {"ruleId": None, "fatal": True, "severity": 2, "message": "Parsing error: Unexpected token", "line": 2}
        evidence = judged(Parser.ESLINT_JSON, eslint(fatal, errorCount=1, fatalErrorCount=1), 1)
        assert str(evidence.findings[0]) == "src/a.js:2 parse-error Parsing error: Unexpected token"

    @pytest.mark.parametrize("data", [b"[]", eslint(IGNORED, warningCount=1)])
    def test_files_that_were_left_out_were_not_examined(self, data: bytes) -> None:
        evidence = judged(Parser.ESLINT_JSON, data)
        assert (evidence.verdict, evidence.counts["files"]) == (Verdict.VACUOUS, 0)
        assert evidence.summary == "eslint examined no file"

    def test_errors_that_are_counted_but_not_listed_are_no_evidence(self) -> None:
        with pytest.raises(NoEvidence, match="contradicts itself"):
            judged(Parser.ESLINT_JSON, eslint(errorCount=1))


class TestTsc:
    @pytest.mark.parametrize(
        "line",
        [
            "src/a.ts(1,7): error TS2322: Type 'x' is not assignable.",
            "/w/src/a.ts(1,7): error TS2322: Type 'x' is not assignable.",
            PRETTY,
        ],
    )
    def test_forms_of_a_message(self, line: str) -> None:
        evidence = judged(Parser.TSC, f"{line}\n\nFound 1 error in src/a.ts:1\n".encode(), 2)
        assert [str(one) for one in evidence.findings] == ["src/a.ts:1:7 TS2322 Type 'x' is not assignable."]

    @pytest.mark.parametrize(
        ("said", "files"),
        [
            ("/usr/lib/lib.d.ts\n/w/node_modules/a/b.d.ts\n/w/src/a.ts\nsrc/b.tsx\n", 2),
            ("Files:                         80\nLines of TypeScript:   12\nLines of JavaScript: 0\n", 80),
            ("Files:  80\n", 80),
        ],
    )
    def test_what_it_lists_or_counts_was_examined(self, said: str, files: int) -> None:
        evidence = judged(Parser.TSC, said.encode())
        assert (evidence.verdict, evidence.counts["files"]) == (Verdict.PASSED, files)

    def test_silence_does_not_say_how_much_was_examined(self) -> None:
        evidence = judged(Parser.TSC, b"")
        assert (evidence.verdict, "--listFiles" in evidence.hint) == (Verdict.VACUOUS, True)

    @pytest.mark.parametrize(
        ("said", "exit_code"),
        [
            ("error TS18003: No inputs were found in config file '/w/tsconfig.json'.", 2),
            ("/usr/lib/lib.d.ts", 0),
            ("Files: 80\nLines of TypeScript:  0\nLines of JavaScript:  0", 0),
        ],
    )
    def test_nothing_but_libraries_is_vacuous(self, said: str, exit_code: int) -> None:
        evidence = judged(Parser.TSC, said.encode(), exit_code)
        assert (evidence.verdict, evidence.counts["files"]) == (Verdict.VACUOUS, 0)

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ("error TS5058: The specified path does not exist: 'nowhere'.", "tsc could not check: TS5058"),
            ("Found 2 errors in the same file", "it shows none of 2 errors"),
            ("> web@1.0.0 types", "does not print such as: > web@1.0.0 types"),
        ],
    )
    def test_what_cannot_be_believed_is_no_evidence(self, said: str, told: str) -> None:
        with pytest.raises(NoEvidence, match=told):
            judged(Parser.TSC, said.encode(), 1)


class TestNpmAudit:
    def test_vulnerabilities_are_findings_at_the_manifest(self) -> None:
        evidence = judged(Parser.NPM_AUDIT, as_json(NPM_VULNERABLE), 1)
        assert [str(one) for one in evidence.findings] == [
            "package.json GHSA-aaaa a <1.2: ReDoS",
            "package.json npm-audit b *: through a",
        ]
        assert [one.severity for one in evidence.findings] == ["error", "note"]
        assert evidence.summary == "2 findings in 92 packages"

    def test_the_report_of_npm_6(self) -> None:
        advisory = {"module_name": "a", "title": "ReDoS", "severity": "moderate", "vulnerable_versions": "<1.2"}
        assert judged(Parser.NPM_AUDIT, as_json(OF_NPM_6)).counts["packages"] == 9
        evidence = judged(Parser.NPM_AUDIT, as_json({**OF_NPM_6, "advisories": {"1": advisory}}), 1)
        assert str(evidence.findings[0]) == "package.json npm-audit a <1.2: ReDoS"
        assert evidence.findings[0].severity == "warning"

    def test_no_package_is_vacuous(self) -> None:
        metadata = {"vulnerabilities": {}, "dependencies": {"total": 0}}
        assert judged(Parser.NPM_AUDIT, as_json({**NPM, "metadata": metadata})).verdict is Verdict.VACUOUS

    @pytest.mark.parametrize(
        ("data", "told", "retryable"),
        [
            (b"", "is empty", True),
            (b"{}", "`metadata` in the report of npm audit is no JSON object", True),
            (as_json({"error": {"code": "ENOLOCK", "summary": "needs a lockfile"}}), "ENOLOCK: needs a lock", False),
            (as_json({"message": "getaddrinfo ENOTFOUND", "error": {"summary": ""}}), "ENOTFOUND", True),
            (as_json({**NPM_VULNERABLE, "vulnerabilities": {}}), "it lists none of 2", True),
            (as_json({**NPM, "metadata": {"vulnerabilities": {}}}), "`metadata.dependencies` is no count", True),
        ],
    )
    def test_what_is_no_audit_is_errored_and_not_failed(self, data: bytes, told: str, retryable: bool) -> None:
        with pytest.raises(NoEvidence, match=told) as caught:
            judged(Parser.NPM_AUDIT, data, 1)
        assert (caught.value.evidence.verdict, caught.value.evidence.retryable) == (Verdict.ERRORED, retryable)
