"""The truth table of the built-in gates for JavaScript and TypeScript, with the real programs.

A cell is a verdict and the counts that it must have at least. In the last four columns the program is not there, or a
script stands in for it: it prints a fine report of no finding and is killed, ends well without having written anything,
or never ends. The registry that npm asks for advisories is a server of the test's own on this machine.
"""

import json
import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed
from nofx_cli.handlers.registry import BUILT_INS
from nofx_cli.testing import FakeContext
from tests.acceptance.advisory_server import AdvisoryServer
from tests.acceptance.gate_bench import cells, evaluation, handler, run_gate, write
from tests.acceptance.real_processes import RealProcesses
from tests.node_tools import link_into, node_modules

pytestmark = pytest.mark.acceptance

TABLE = """
gate      | clean                        | finding                       | syntax error              | empty folder        | missing | killed  | silent  | hangs
format    | passed files=3 findings=0    | failed files=3 findings=1     | failed files=4 unparsed=1 | vacuous files=0     | errored | errored | errored | timed_out
lint      | passed files=3 findings=0    | failed files=3 findings=1     | failed files=4 findings=1 | vacuous files=0     | errored | errored | errored | timed_out
typecheck | passed files=1 findings=0    | failed files=1 findings=1     | failed files=2            | vacuous files=0     | errored | errored | errored | timed_out
unit      | passed tests=2 passed=2      | failed tests=3 failed=1       | failed tests=3 errors=1   | vacuous tests=0     | errored | errored | errored | timed_out
test      | passed tests=2 passed=2      | failed tests=3 failed=1       | failed tests=3 errors=1   | vacuous tests=0     | errored | errored | errored | timed_out
audit     | passed packages=1 findings=0 | failed packages=1 findings=1  | errored                   | vacuous packages=0  | errored | errored | errored | timed_out
build     | passed artifacts=1           | failed artifacts=0 findings=1 | failed                    | vacuous artifacts=0 | errored | errored | vacuous | timed_out
"""  # noqa: E501 - a table is read across

ESLINT = 'export default [{ rules: { "no-unused-vars": "error", eqeqeq: "warn" } }];\n'
PRICE = "export const total = (amount, rate) => amount * rate;\n"
RATE: str = "export const rate: number = 3;\n"
TEST = """\
import assert from "node:assert";
import test from "node:test";
import { total } from "../src/price.js";

test("a total", () => assert.equal(total(2, 3), 6));
test("of nothing", () => assert.equal(total(0, 3), 0));
"""
UNPARSED = "export const = (\n"


def package(**scripts: str) -> str:
    told = {"test": "node --test tests/", "build": "node build.mjs", **scripts}
    return json.dumps({"name": "shop", "type": "module", "prettier": {}, "scripts": told}, indent=2) + "\n"


def lock(*names: str) -> str:
    packages = {f"node_modules/{name}": {"version": "1.0.0"} for name in names}
    needs = dict.fromkeys(names, "1.0.0")
    return json.dumps({"lockfileVersion": 3, "packages": {"": {"name": "shop", "dependencies": needs}, **packages}})


CLEAN = {
    "package.json": package(),
    "package-lock.json": lock("left-out"),
    "eslint.config.js": ESLINT,
    "tsconfig.json": '{"compilerOptions": {"strict": true, "types": []}, "include": ["types"]}\n',
    ".prettierignore": "*.json\n*.config.js\n*.mjs\n",
    "build.mjs": 'import fs from "node:fs";\nfs.mkdirSync("dist");\nfs.writeFileSync("dist/shop.js", "1");\n',
    "src/price.js": PRICE,
    "tests/price.test.js": TEST,
    "types/rate.ts": RATE,
}
FINDING = {
    "format": {"src/price.js": PRICE.replace(" * ", "*")},
    "lint": {"src/price.js": "const unused = 1;\n" + PRICE},
    "typecheck": {"types/rate.ts": RATE.replace("3", '"3"')},
    "unit": {"tests/more.test.js": TEST.replace("6", "7").rpartition("test(")[0]},
    "audit": {"package-lock.json": lock("left-pad")},
    "build": {"build.mjs": "process.exit(3);\n"},
}
SYNTAX_ERROR = {
    "format": {"src/broken.js": UNPARSED},
    "lint": {"src/broken.js": UNPARSED},
    "typecheck": {"types/broken.ts": UNPARSED},
    "unit": {"tests/broken.test.js": UNPARSED},
    "audit": {"package-lock.json": "{"},
    "build": {"build.mjs": UNPARSED},
}
EMPTY = {
    "format": {"nothing/at-all.png": ""},
    "lint": {"nothing/at-all.png": ""},
    "typecheck": {"tsconfig.json": '{"include": ["nothing"]}'},
    "unit": {"tests/price.test.js": "export const tests = 0;\n"},
    "audit": {"package-lock.json": lock()},
    "build": {"build.mjs": ""},
}
PROGRAMS = {"format": "prettier", "lint": "eslint", "typecheck": "tsc", "unit": "npm", "audit": "npm", "build": "npm"}
SAME = {"test": "unit"}
FINE_REPORTS = """\
echo '{"vulnerabilities": {}, "metadata": {"vulnerabilities": {}, "dependencies": {"total": 3}}}'
echo "$PWD/types/rate.ts"
echo "[debug] resolve config from '$PWD/src/price.js'" >&2
for word in "$@"; do case $word in */eslint.json) echo '[{"filePath": "a.js", "messages": []}]' > "$word";; esac; done
for word in $NODE_OPTIONS; do case $word in
  *package-tests.json*) echo '{"type":"end"}' > "$(echo "${word#*=}" | tr -d '"')";;
esac; done
"""


@pytest.fixture
def registry() -> Iterator[AdvisoryServer]:
    with AdvisoryServer({"left-pad": "pads on the wrong side"}) as server:
        yield server


@pytest.mark.parametrize(("gate", "condition", "cell"), list(cells(TABLE)), ids=lambda value: value.replace(" ", "-"))
def test_the_truth_table(
    gate: str,
    condition: str,
    cell: str,
    tmp_path: Path,
    registry: AdvisoryServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kind = SAME.get(gate, gate)
    ctx = FakeContext(tmp_path, inputs_for(kind, condition, registry), processes=RealProcesses())
    given = {"finding": FINDING, "syntax error": SYNTAX_ERROR, "empty folder": EMPTY}.get(condition, {})
    write(ctx, {**CLEAN, **given.get(kind, {})})
    if condition in ("missing", "killed", "silent", "hangs"):
        replace_program(PROGRAMS[kind], condition, ctx.workspace, tmp_path / "bin", monkeypatch)
    else:
        link_into(ctx.workspace)
    if condition == "hangs":
        ctx.processes = RealProcesses(time_limit_seconds=0.2)

    # What a build makes stays in the workspace; nothing else does.
    outcome = handler(gate).run(ctx) if kind == "build" else run_gate(ctx, handler(gate), f"gate:{gate}")

    found = evaluation(outcome)
    verdict, *counts = cell.split()
    wanted = {name: int(number) for name, number in (count.split("=") for count in counts)}
    assert (found.verdict, {**found.counts, **wanted}) == (verdict, found.counts), ctx.logged
    if verdict in ("passed", "failed"):
        assert found.digest or kind == "build"
    if condition == "missing":
        assert found.summary == f"{PROGRAMS[kind]} is not installed"
        assert isinstance(outcome, Failed)
        assert re.search("npm install|install Node", outcome.error.hint)


def inputs_for(kind: str, condition: str, registry: AdvisoryServer) -> JsonObject:
    if kind == "audit":
        return {"args": [f"--registry={registry.address}", "--fetch-retries=0"]}
    if condition == "empty folder" and kind in ("format", "lint"):
        return {"paths": ["nothing"]}
    return {}


def replace_program(name: str, condition: str, workspace: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the program away, or put a script in its place: npm is on `PATH`, others are the project's own."""
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder) if condition == "missing" else f"{folder}:{os.environ['PATH']}")
    if condition == "missing":
        return
    program = folder / name if name == "npm" else workspace / "node_modules" / ".bin" / name
    script = {"killed": f"{FINE_REPORTS}kill -SEGV $$", "silent": "exit 0", "hangs": "exec sleep 60"}[condition]
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_the_table_has_every_gate_that_examines_javascript() -> None:
    examining = {
        name.removeprefix("gate:")
        for name, target in BUILT_INS.items()
        if name.startswith("gate:")
        and "javascript" in Path(import_module(target.partition(":")[0]).__file__ or "").read_text()
    }
    assert {gate for gate, _, _ in cells(TABLE)} == examining


class TestEslint:
    def run(self, tmp_path: Path, files: dict[str, str], **inputs: object) -> tuple[str, str]:
        given: JsonObject = inputs  # type: ignore[assignment] # the tests write JSON
        ctx = FakeContext(tmp_path, given, processes=RealProcesses())
        write(ctx, {**CLEAN, **files})
        link_into(ctx.workspace)
        found = evaluation(run_gate(ctx, handler("lint"), "gate:lint"))
        return found.verdict, found.summary

    def test_warnings_pass_and_are_told(self, tmp_path: Path) -> None:
        files = {"src/price.js": "export const same = (a, b) => a == b;\n"}
        assert self.run(tmp_path, files) == ("passed", "1 finding in 3 files")

    def test_too_many_warnings_fail(self, tmp_path: Path) -> None:
        files = {"src/price.js": "export const same = (a, b) => a == b;\n"}
        assert self.run(tmp_path, files, args=["--max-warnings", "0"]) == ("failed", "1 finding in 3 files")

    def test_no_rule_examines_nothing(self, tmp_path: Path) -> None:
        files = {"eslint.config.js": "export default [{}];\n"}
        assert self.run(tmp_path, files) == ("vacuous", "eslint examined no file by any rule")

    def test_settings_that_ignore_all_examine_nothing(self, tmp_path: Path) -> None:
        files = {"eslint.config.js": 'export default [{ ignores: ["**"] }];\n'}
        assert self.run(tmp_path, files) == ("vacuous", "eslint examined no file")

    def test_settings_that_cannot_be_read_are_an_error(self, tmp_path: Path) -> None:
        verdict, summary = self.run(tmp_path, {"eslint.config.js": "export default [\n"})
        assert (verdict, summary) == ("errored", "eslint exited with code 2: SyntaxError: Unexpected end of input")

    def test_what_nofx_keeps_in_the_workspace_is_not_examined(self, tmp_path: Path) -> None:
        files = {"local_data/runs/kept.js": "const unused = 1;\n"}
        assert self.run(tmp_path, files) == ("passed", "no findings in 3 files")


class TestTsc:
    def run(self, tmp_path: Path, files: dict[str, str]) -> tuple[str, str]:
        ctx = FakeContext(tmp_path, processes=RealProcesses())
        write(ctx, {"package.json": "{}", **files})
        link_into(ctx.workspace)
        found = evaluation(run_gate(ctx, handler("typecheck"), "gate:typecheck"))
        return found.verdict, found.summary

    def test_projects_that_are_only_pointed_to_are_checked(self, tmp_path: Path) -> None:
        """As vite sets projects up; tsc itself would check nothing, and say so by exit code 0."""
        files = {
            "tsconfig.json": '// all\n{"files": [], "references": [{"path": "./app.json"}, {"path": "tool"},]}',
            "app.json": '{"compilerOptions": {"tsBuildInfoFile": "a.tsbuildinfo", "types": []}, "include": ["src"]}',
            "tool/tsconfig.json": '{"compilerOptions": {"composite": true, "types": []}}',
            "src/a.ts": RATE.replace("3", '"3"'),
            "tool/b.ts": RATE,
        }
        assert self.run(tmp_path, files) == ("failed", "1 finding in 2 files")

    def test_a_project_that_needs_another_one_built_is_an_error(self, tmp_path: Path) -> None:
        files = {
            "tsconfig.json": '{"compilerOptions": {"types": []}, "references": [{"path": "lib"}], "include": ["src"]}',
            "lib/tsconfig.json": '{"compilerOptions": {"composite": true, "types": []}}',
            "lib/rate.ts": RATE,
            "src/a.ts": 'import { rate } from "../lib/rate";\nexport const double: number = 2 * rate;\n',
        }
        assert self.run(tmp_path, files) == ("errored", "tsc needs what other projects of the workspace build first")


class TestNodeTests:
    def run(self, tmp_path: Path, script: str, files: dict[str, str]) -> tuple[str, str]:
        node_modules()
        ctx = FakeContext(tmp_path, processes=RealProcesses())
        write(ctx, {"package.json": package(test=script), **files})
        found = evaluation(run_gate(ctx, handler("unit"), "gate:unit"))
        return found.verdict, found.summary

    HEAD = 'import assert from "node:assert";\nimport test, { describe } from "node:test";\n'

    def test_names_of_suites_are_told_and_suites_are_no_tests(self, tmp_path: Path) -> None:
        text = self.HEAD + 'describe("price", () => { test("low", () => assert.equal(1, 2)); test.skip("no"); });\n'
        told = self.run(tmp_path, "node --test", {"a.test.js": text})
        assert told == ("failed", "2 tests: 1 failed, 1 skipped: a.test.js: price > low")

    def test_a_test_that_ends_node_with_success_does_not_pass(self, tmp_path: Path) -> None:
        text = self.HEAD + 'test("all is well", () => process.exit(0));\n'
        assert self.run(tmp_path, "node --test", {"a.test.js": text}) == (
            "failed",
            "1 test: 1 error: a.test.js: collection",
        )
        again = tmp_path / "again"
        assert self.run(again, "node a.js", {"a.js": text}) == ("errored", "node's test runner did not come to its end")

    def test_a_script_that_fails_after_its_tests_fails(self, tmp_path: Path) -> None:
        text = (
            self.HEAD
            + 'test("one", () => {});\nsetImmediate(() => process.on("exit", () => (process.exitCode = 1)));\n'
        )
        verdict, summary = self.run(tmp_path, "node a.js", {"a.js": text})
        assert (verdict, summary.partition(",")[0]) == ("failed", "1 test: 1 passed")

    def test_an_exit_code_alone_is_no_evidence(self, tmp_path: Path) -> None:
        verdict, summary = self.run(tmp_path, "true", {})
        assert verdict == "errored"
        assert summary == "the script `test` of package.json runs nothing that can be asked for a report: true"
        assert self.run(tmp_path / "again", "node a.js", {"a.js": "process.exit(0)"})[0] == "errored"

    def test_npms_placeholder_is_no_test(self, tmp_path: Path) -> None:
        told = self.run(tmp_path, 'echo "Error: no test specified" && exit 1', {})
        assert told == ("vacuous", "package.json has npm's placeholder for a script `test`")
