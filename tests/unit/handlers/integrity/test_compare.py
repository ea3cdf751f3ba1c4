"""What a step of a run made weaker, told by file and gate; and what is no weakening."""

import json
import os
from pathlib import Path
from typing import ClassVar

import pytest

from tests.unit.handlers.integrity.conftest import Project

TEST_A = "def test_total():\n    assert total() == 3\n    assert total() > 0\n\ndef test_other():\n    assert 1 + 1\n"


class TestTests:
    def test_one_was_removed(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        assert project.changed({"tests/test_a.py": TEST_A[TEST_A.index("def test_other") :]}) == [
            "tests/test_a.py: test_total was removed"
        ]

    def test_all_of_a_file_were_removed(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        assert project.changed({"tests/test_a.py": ""}) == ["tests/test_a.py: test_total, test_other were removed"]

    def test_the_file_was_removed(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        (project.folder / "tests/test_a.py").unlink()
        assert project.weaker() == ["tests/test_a.py: was removed, with 2 tests: test_total, test_other"]

    def test_the_file_was_renamed_so_that_no_runner_finds_it(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        (project.folder / "tests/test_a.py").rename(project.folder / "tests/a.py")
        assert project.weaker() == ["tests/test_a.py: was removed, with 2 tests: test_total, test_other"]

    def test_the_file_became_a_folder(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        (project.folder / "tests/test_a.py").unlink()
        (project.folder / "tests/test_a.py").mkdir()
        assert len(project.weaker()) == 1

    def test_the_folder_became_a_link(self, project: Project, tmp_path: Path) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        (project.folder / "tests").rename(tmp_path / "elsewhere")
        (project.folder / "tests").symlink_to(tmp_path / "elsewhere")
        assert len(project.weaker()) == 1

    def test_assertions_were_removed(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        assert project.changed({"tests/test_a.py": TEST_A.replace("    assert total() > 0\n", "")}) == [
            "tests/test_a.py: test_total has 1 assertion instead of 2"
        ]

    def test_those_of_what_tests_use_too(self, project: Project) -> None:
        project.begin({"tests/checks.py": "def check(x):\n    assert x\n"})
        assert project.changed({"tests/checks.py": "def check(x):\n    pass\n"}) == [
            "tests/checks.py: outside of tests it has no assertions instead of 1"
        ]

    def test_one_is_skipped(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        assert project.changed({"tests/test_a.py": "import pytest\n@pytest.mark.skip\n" + TEST_A}) == [
            'tests/test_a.py: 1 more "skip or xfail mark"'
        ]

    def test_one_is_put_under_a_condition(self, project: Project) -> None:
        project.begin({"tests/test_a.py": "def test_a():\n    assert x\n"})
        assert project.changed({"tests/test_a.py": "if 0:\n  def test_a():\n    assert x\n"}) == [
            "tests/test_a.py: test_a was removed"
        ]

    def test_javascript(self, project: Project) -> None:
        project.begin({"src/a.test.ts": "it('adds', () => { expect(1).toBe(1); expect(2).toBe(2) })\n"})
        assert project.changed({"src/a.test.ts": "it.skip('adds', () => { expect(1).toBe(1) })\n"}) == [
            "src/a.test.ts: adds has 1 assertion instead of 2",
            'src/a.test.ts: 1 more "skipped or focused test"',
        ]

    def test_more_of_them_are_no_weakening(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        more = {"tests/test_a.py": TEST_A + "def test_new():\n    assert y\n", "tests/test_b.py": TEST_A}
        assert project.changed(more) == []

    def test_to_move_them_is_none(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A, "tests/test_b.py": "def test_b(): pass\n"})
        (project.folder / "tests/unit").mkdir()
        (project.folder / "tests/test_a.py").rename(project.folder / "tests/unit/test_a.py")
        (project.folder / "tests/test_b.py").unlink()
        assert project.changed({"tests/unit/test_c.py": "def test_c(): pass\ndef test_b(): pass\n"}) == []

    def test_to_move_one_of_two_of_the_same_name_is_one(self, project: Project) -> None:
        project.begin({"tests/test_a.py": "def test_x(): pass\n", "tests/test_b.py": "def test_x(): pass\n"})
        (project.folder / "tests/test_a.py").unlink()
        (project.folder / "tests/test_b.py").unlink()
        assert len(project.changed({"tests/test_c.py": "def test_x(): pass\n"})) == 1

    def test_to_move_one_with_fewer_assertions_is_one(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        (project.folder / "tests/test_a.py").unlink()
        moved = TEST_A.replace("    assert total() == 3\n", "")
        assert project.changed({"tests/test_b.py": moved}) == ["tests/test_a.py: was removed, with 1 test: test_total"]

    def test_they_do_not_concern_the_linter(self, project: Project) -> None:
        project.begin({"tests/test_a.py": TEST_A})
        assert project.changed({"tests/test_a.py": ""}, "lint") == []
        assert project.weaker("gate-of-ours")
        assert project.weaker("lint", own=True)


class TestMarkers:
    def test_more_of_them(self, project: Project) -> None:
        project.begin({"src/a.py": "import os  # noqa: F401\n"})
        assert project.changed({"src/a.py": "import os  # noqa: F401\nimport re  # noqa\n"}, "lint") == [
            'src/a.py: 1 more "# noqa"'
        ]

    def test_in_a_file_that_is_new_too(self, project: Project) -> None:
        project.begin({})
        assert project.changed({"src/a.py": "x  # type: ignore\ny  # type: ignore\n"}, "typecheck") == [
            'src/a.py: 2 more "# type: ignore"'
        ]

    def test_one_that_reaches_further(self, project: Project) -> None:
        project.begin({"src/a.py": "import os  # noqa: F401\n"})
        assert project.changed({"src/a.py": "import os  # noqa\n"}, "lint") == [
            'src/a.py: "# noqa" silences more than before'
        ]

    def test_fewer_are_no_weakening_nor_is_a_file_that_was_moved(self, project: Project) -> None:
        project.begin({"src/a.py": "import os  # noqa\nimport re  # noqa\n", "src/b.py": "x  # noqa\n"})
        (project.folder / "src/b.py").rename(project.folder / "src/c.py")
        assert project.changed({"src/a.py": "import os  # noqa\n"}, "lint") == []

    @pytest.mark.parametrize(
        ("text", "gate"),
        [
            ("x  # noqa", "lint"), ("x  # type: ignore", "typecheck"), ("x  # nosec", "sast"),
            ("x  # pragma: no cover", "coverage"), ("x  # pragma: allowlist secret", "secrets"),
        ],
    )  # fmt: skip
    def test_each_concerns_its_gate_and_every_gate_of_ones_own(self, project: Project, text: str, gate: str) -> None:
        project.begin({"src/a.py": ""})
        assert project.changed({"src/a.py": f"{text}\n"}, gate)
        assert project.weaker("of-ours")
        assert [other for other in ("lint", "typecheck", "sast", "audit", "secrets") if project.weaker(other)] == [
            other for other in ("lint", "typecheck", "sast", "secrets") if other == gate
        ]

    def test_an_allowed_secret_counts_in_any_file(self, project: Project) -> None:
        project.begin({"deploy.yaml": "key: x\n"})
        assert project.changed({"deploy.yaml": "key: x  # pragma: allowlist secret\n"}, "secrets") == [
            'deploy.yaml: 1 more "pragma: allowlist secret"'
        ]


class TestSettings:
    def test_a_floor_was_lowered(self, project: Project) -> None:
        project.begin({"pyproject.toml": "[tool.coverage.report]\nfail_under = 90\n"})
        lower = {"pyproject.toml": "[tool.coverage.report]\nfail_under = 50\n"}
        assert project.changed(lower, "coverage") == [
            "pyproject.toml: coverage.report.fail_under lowered from 90 to 50"
        ]
        assert project.weaker("lint") == []

    @pytest.mark.parametrize(
        ("path", "text", "gate"),
        [
            ("ruff.toml", "", "lint"), ("sub/.ruff.toml", "", "format"), ("pytest.ini", "[pytest]\n", "unit"),
            ("mypy.ini", "[mypy]\n", "typecheck"), (".coveragerc", "", "coverage"), (".bandit", "[bandit]\n", "sast"),
            ("conftest.py", "", "unit"), ("tests/conftest.py", "collect_ignore = ['test_a.py']\n", "unit"),
            ("sub/pyproject.toml", "[tool.ruff]\n", "lint"), ("setup.cfg", "[tool:pytest]\nx = 1\n", "unit"),
            ("eslint.config.mjs", "export default []\n", "lint"), ("tsconfig.json", "{}", "typecheck"),
            ("jest.config.js", "", "unit"), (".prettierrc", "{}", "format"),
            ("nofx.yaml", "gates: {lint: {enabled: false}}", "lint"),
        ],
    )  # fmt: skip
    def test_a_file_of_them_was_added_or_removed_or_cannot_be_read(
        self, project: Project, path: str, text: str, gate: str
    ) -> None:
        project.begin({})
        first = project.changed({path: text}, gate)
        assert first[0] == f"{path}: added (it configures gate:{gate})"
        assert project.weaker("audit") == []
        project.before = project.look()
        (project.folder / path).unlink()
        assert project.weaker(gate)[0] == f"{path}: removed (it configures gate:{gate})"
        project.write({path: "{{{ \0"})
        assert project.weaker(gate)[0] == f"{path}: changed (it configures gate:{gate})"

    def test_what_cannot_be_judged_counts(self, project: Project) -> None:
        project.begin({"pytest.ini": "[pytest]\npython_functions = test\n", "conftest.py": "a = 1\n"})
        assert project.changed({"pytest.ini": "[pytest]\nusefixtures = x\n", "conftest.py": "a = 2\n"}) == [
            "conftest.py: changed (it configures gate:unit)",
            "pytest.ini: pytest.python_functions was removed",
            "pytest.ini: pytest.usefixtures was added",
        ]

    def test_comments_and_what_configures_no_gate_are_no_weakening(self, project: Project) -> None:
        before = {
            "pyproject.toml": '[project]\nversion = "1"\n[tool.ruff]\nline-length=100\n[tool.poetry]\nversion = "1"\n',
            "package.json": '{"version": "1", "scripts": {"test": "jest"}, "dependencies": {}}',
            "nofx.yaml": "store: x\npolicy: {}\n",
            "README.md": "a",
        }
        after = {
            "pyproject.toml": '# new\n[project]\nversion = "2"\nx = ["x"]\n[tool.ruff]\nline-length=100\n',
            "package.json": '{"version": "2", "scripts": {"test": "jest", "dev": "vite"}, "dependencies": {"a": "1"}}',
            "nofx.yaml": "store: y\n",
            "README.md": "b",
            "src/new.py": "x = 1\n",
        }
        project.begin(before)
        for gate in ("lint", "format", "typecheck", "unit", "coverage", "sast", "secrets", "audit", "build"):
            assert project.changed(after, gate) == []
        assert project.weaker("ours", own=True) == []

    def test_settings_of_gates_concern_that_gate(self, project: Project) -> None:
        project.begin({"nofx.yaml": "gates:\n  lint: {paths: [src, lib]}\n  ours: {command: a}\n"})
        after = {"nofx.yaml": "gates:\n  lint: {paths: [src]}\n  ours: {command: b}\n"}
        assert project.changed(after, "lint") == ["nofx.yaml: gates.lint.paths has lib no more"]
        assert project.weaker("unit") == []
        assert "nofx.yaml: gates.ours.command was changed" in project.weaker("ours", own=True)

    def test_whether_it_is_asked_concerns_all_gates(self, project: Project) -> None:
        project.begin({"nofx.yaml": "approvals: {weakened: fail}\n"})
        for gate in ("lint", "audit", "ours"):
            assert project.changed({"nofx.yaml": "approvals: {weakened: tell}\n"}, gate) == [
                "nofx.yaml: approvals.weakened was changed"
            ]

    def test_a_tool_that_no_built_in_gate_runs_concerns_those_of_ones_own(self, project: Project) -> None:
        project.begin({"pyproject.toml": "[tool.vulture]\nmin_confidence = 80\n", "Makefile": "test:\n\tpytest\n"})
        changed = {"pyproject.toml": "[tool.vulture]\nmin_confidence = 100\n", "Makefile": "test:\n\ttrue\n"}
        assert project.changed(changed, "lint") == []
        assert len(project.weaker("dead-code", own=True)) == 2

    def test_lists_of_what_is_left_out(self, project: Project) -> None:
        project.begin({".eslintignore": "dist\n!keep\n"})
        assert project.changed({".eslintignore": "# more\ndist\nsrc\n"}, "lint") == [
            ".eslintignore: src was added",
            ".eslintignore: !keep was removed",
        ]
        (project.folder / ".eslintignore").write_text("!keep\n")
        assert project.weaker("lint") == []
        project.write({".eslintignore": "dist\n!keep\n", "sub/.gitignore": "*\n"})
        assert project.weaker("lint") == ["sub/.gitignore: * was added"]

    def test_json_with_comments(self, project: Project) -> None:
        project.begin({"tsconfig.json": '{/* x */ "compilerOptions": {"strict": true, // y\n}}'})
        assert project.changed({"tsconfig.json": '{"compilerOptions": {"strict": false}}'}, "typecheck") == [
            "tsconfig.json: compilerOptions.strict is off"
        ]


class TestBaselines:
    ENTRY: ClassVar = {"gate": "gate:lint", "path": "a.py", "rule": "F401", "fingerprint": "abc", "count": 2}

    def write(self, project: Project, *entries: dict[str, object], name: str = "nofx-baseline.json") -> None:
        project.write({name: json.dumps({"version": 1, "entries": entries})})

    def test_more_is_accepted(self, project: Project) -> None:
        self.write(project, self.ENTRY)
        project.before = project.look()
        self.write(project, {**self.ENTRY, "count": 3, "path": "b.py"}, {**self.ENTRY, "fingerprint": "def"})
        assert project.weaker("lint") == ["nofx-baseline.json: accepts 3 more"]
        assert project.weaker("unit") == []

    def test_less_is_no_weakening(self, project: Project) -> None:
        self.write(project, self.ENTRY, {**self.ENTRY, "fingerprint": "def"})
        project.before = project.look()
        self.write(project, {**self.ENTRY, "count": 1})
        assert project.weaker("lint") == []
        (project.folder / "nofx-baseline.json").unlink()
        assert project.weaker("lint") == []

    def test_a_new_one(self, project: Project) -> None:
        project.begin({})
        self.write(project, self.ENTRY)
        assert project.weaker("lint") == ["nofx-baseline.json: accepts 2 more"]

    def test_one_that_cannot_be_read(self, project: Project) -> None:
        self.write(project, self.ENTRY)
        project.before = project.look()
        assert project.changed({"nofx-baseline.json": "{"}, "audit") == ["nofx-baseline.json: was changed"]

    def test_that_of_detect_secrets(self, project: Project) -> None:
        found = {"type": "Secret Keyword", "hashed_secret": "0a0b", "line_number": 3}
        plugins = [{"name": "A"}, {"name": "B"}]
        content = {"version": "1", "plugins_used": plugins, "results": {"a.py": [found]}, "generated_at": "x"}
        project.begin({".secrets.baseline": json.dumps(content)})
        moved = {**content, "generated_at": "y", "results": {"a.py": [{**found, "line_number": 9}]}}
        assert project.changed({".secrets.baseline": json.dumps(moved)}, "secrets") == []
        more = {**content, "results": {"a.py": [found, {**found, "hashed_secret": "0c"}]}}
        assert project.changed({".secrets.baseline": json.dumps(more)}, "secrets") == [
            ".secrets.baseline: accepts 1 more"
        ]
        fewer = {**content, "plugins_used": plugins[:1]}
        assert project.changed({".secrets.baseline": json.dumps(fewer)}, "secrets") == [
            ".secrets.baseline: was changed"
        ]
        assert project.weaker("lint") == []


def test_a_test_file_that_cannot_be_looked_at_any_more_counts(project: Project) -> None:
    project.begin({"tests/test_a.py": TEST_A})
    (project.folder / "tests/test_a.py").unlink()
    os.mkfifo(project.folder / "tests/test_a.py")
    assert project.weaker() == ["tests/test_a.py: was removed, with 2 tests: test_total, test_other"]
