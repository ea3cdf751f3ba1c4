"""A good report of every format, as the real tools write it for a project without findings, and one with findings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from nofx_cli.domain.project import Parser


@dataclass(frozen=True)
class Sample:
    """`good` passes at exit code 0; `bad` fails at exit code 1, with `found` findings. `sure`: good says a count."""

    good: bytes
    bad: bytes
    found: int
    sure: bool = True


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


ESLINT_FILE = {"filePath": "/w/src/a.js", "messages": [], "errorCount": 0, "fatalErrorCount": 0, "warningCount": 0}
ESLINT_ERROR = {"ruleId": "no-undef", "severity": 2, "message": "'b' is not defined.", "line": 1, "column": 4}
BANDIT = {"errors": [], "metrics": {"_totals": {"loc": 5}, "./src/a.py": {"loc": 5}}, "results": []}
BANDIT_RESULT = {
    "filename": "./src/a.py", "test_id": "B602", "issue_severity": "HIGH", "issue_text": "shell=True", "line_number": 2,
    "col_offset": 0,
}  # fmt: skip
SECRETS = {"version": "1.5.0", "plugins_used": [{"name": "AWSKeyDetector"}], "filters_used": [], "results": {}}
SECRET = {"type": "AWS Access Key", "filename": "s.py", "hashed_secret": "25", "is_verified": False, "line_number": 3}
_NONE = {"info": 0, "low": 0, "moderate": 0, "high": 0, "critical": 0, "total": 0}
NPM = {
    "auditReportVersion": 2,
    "vulnerabilities": {},
    "metadata": {"vulnerabilities": _NONE, "dependencies": {"prod": 3, "dev": 90, "total": 92}},
}
NPM_VIA = {"source": 1, "name": "a", "title": "ReDoS", "url": "https://x.test/GHSA-aaaa", "severity": "high"}
NPM_VULNERABLE = {
    **NPM,
    "vulnerabilities": {
        "a": {"name": "a", "severity": "high", "via": [NPM_VIA], "range": "<1.2"},
        "b": {"name": "b", "severity": "low", "via": ["a"], "range": "*"},
    },
    "metadata": {"vulnerabilities": {**_NONE, "high": 1, "low": 1, "total": 2}, "dependencies": {"total": 92}},
}
RUFF_ITEM = {
    "code": "F401", "filename": "/w/src/a.py", "fix": {}, "location": {"row": 3, "column": 8},
    "message": "`os` imported but unused", "severity": "error",
}  # fmt: skip
SARIF_RESULT = {
    "ruleId": "R1",
    "level": "error",
    "message": {"text": "wrong"},
    "locations": [
        {"physicalLocation": {"artifactLocation": {"uri": "src/a.py"}, "region": {"startLine": 3, "startColumn": 2}}}
    ],
}


def sarif(*results: object, **run: object) -> bytes:
    """A log with one run that examined one file."""
    whole = {
        "tool": {"driver": {"name": "scan"}},
        "artifacts": [{"location": {"uri": "src/a.py"}}],
        "results": list(results),
        **run,
    }
    return as_json({"version": "2.1.0", "runs": [{k: v for k, v in whole.items() if v is not None}]})


def junit(cases: str, totals: str = 'tests="1" failures="0" errors="0" skipped="0"') -> bytes:
    return f'<?xml version="1.0"?><testsuites><testsuite {totals}>{cases}</testsuite></testsuites>'.encode()


SAMPLES: Mapping[Parser, Sample] = {
    Parser.SARIF: Sample(sarif(), sarif(SARIF_RESULT), 1),
    Parser.JUNIT: Sample(
        junit('<testcase classname="a.b" name="c"/>'),
        junit('<testcase classname="a.b" name="c"><failure message="no"/></testcase>', 'tests="1" failures="1"'),
        1,
    ),
    Parser.RUFF_JSON: Sample(b"[]\n", as_json([RUFF_ITEM]), 1, sure=False),
    Parser.MYPY: Sample(
        b"Success: no issues found in 12 source files\n",
        b"src/a.py:2: error: Bad  [assignment]\nFound 1 error in 1 file (checked 12 source files)\n",
        1,
    ),
    Parser.PYTEST: Sample(
        b"..                          [100%]\n2 passed in 0.01s\n",
        b"= short test summary info =\nFAILED tests/test_a.py::test_x - assert 0\n1 failed, 1 passed in 0.02s\n",
        1,
    ),
    Parser.BANDIT_JSON: Sample(as_json(BANDIT), as_json({**BANDIT, "results": [BANDIT_RESULT]}), 1),
    Parser.DETECT_SECRETS: Sample(as_json(SECRETS), as_json({**SECRETS, "results": {"s.py": [SECRET]}}), 1, sure=False),
    Parser.ESLINT_JSON: Sample(
        as_json([ESLINT_FILE]), as_json([{**ESLINT_FILE, "messages": [ESLINT_ERROR], "errorCount": 1}]), 1
    ),
    Parser.TSC: Sample(
        b"/w/node_modules/typescript/lib/lib.d.ts\n/w/src/a.ts\n",
        b"src/a.ts(1,7): error TS2322: Type 'string' is not assignable to type 'number'.\n",
        1,
    ),
    Parser.NPM_AUDIT: Sample(as_json(NPM), as_json(NPM_VULNERABLE), 2),
    Parser.EXIT_CODE: Sample(b"anything", b"anything", 0),
}
