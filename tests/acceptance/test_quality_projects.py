"""`nofx run quality` in a project of each ecosystem finds exactly the faults that are there, and none once mended."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.program import Ended, Program
from tests.node_tools import link_into

pytestmark = pytest.mark.acceptance

PROJECTS = Path(__file__).parents[1] / "fixtures" / "projects"
INVENTED = "AKIA" + "Q3EGRJEXAMPLE0Z7"  # of the right look, put together only here: it opens nothing

FAULTS = {
    "python": [
        ("format", "shop/stock.py", 16, "unformatted"),
        ("lint", "shop/price.py", 3, "F401"),
        ("typecheck", "shop/price.py", 9, "return-value"),
        ("unit", "tests/test_stock.py", 10, "test_two_deliveries"),
        ("sast", "shop/rules.py", 6, "B307"),
        ("secrets", "settings.ini", 3, "aws-access-key"),
    ],
    "javascript": [
        ("format", "src/stock.js", 0, "unformatted"),
        ("lint", "src/price.js", 11, "no-unused-vars"),
        ("lint", "src/price.js", 12, "eqeqeq"),
        ("typecheck", "src/price.js", 22, "TS2322"),
        ("unit", "tests/stock.test.js", 12, "stock > takes in two deliveries"),
        ("secrets", "config/payment.json", 3, "aws-access-key"),
    ],
}
VERDICTS = {
    "python": {
        "faulty": "failed failed failed failed skipped failed failed",  # no coverage where tests fail
        "repaired": "passed passed passed passed passed passed passed",
    },
    "javascript": {
        "faulty": "failed failed failed failed skipped skipped failed",
        "repaired": "passed passed passed passed skipped skipped passed",
    },
}
GATES = ("format", "lint", "typecheck", "unit", "coverage", "sast", "secrets")


class Quality:
    """A project that the plan is run on."""

    def __init__(self, nofx: Program) -> None:
        self.nofx = nofx

    def copy(self, ecosystem: str, *layers: str) -> None:
        for layer in layers:
            shutil.copytree(PROJECTS / ecosystem / layer, self.nofx.folder, dirs_exist_ok=True)
        for file in self.nofx.folder.rglob("*.*"):
            if file.is_file() and b"@INVENTED-SECRET@" in file.read_bytes():
                file.write_text(file.read_text().replace("@INVENTED-SECRET@", INVENTED))
        if ecosystem == "javascript":
            link_into(self.nofx.folder)

    def run(self) -> Ended:
        return self.nofx("run", "quality")

    def reports(self) -> list[dict[str, Any]]:
        told = self.nofx("gates", "report", "--json")
        reports: list[dict[str, Any]] = json.loads(told.out)["gates"]
        return reports

    def verdicts(self) -> dict[str, str]:
        return {report["step"]: report["verdict"] for report in self.reports()}

    def findings(self) -> list[tuple[str, str, int, str]]:
        return [
            (report["step"], found["path"], found["line"], found["rule"])
            for report in self.reports()
            for found in report["findings"]
        ]


@pytest.fixture
def quality(nofx: Program) -> Quality:
    return Quality(nofx)


@pytest.mark.parametrize("ecosystem", FAULTS)
class TestEcosystem:
    def test_exactly_the_faults_are_found(self, quality: Quality, ecosystem: str) -> None:
        quality.copy(ecosystem, "faulty")
        ended = quality.run()
        assert ended.code == 1, ended
        assert quality.findings() == FAULTS[ecosystem]
        assert quality.verdicts() == dict(zip(GATES, VERDICTS[ecosystem]["faulty"].split(), strict=True))
        assert INVENTED not in ended.out + ended.err

    def test_repaired_it_succeeds(self, quality: Quality, ecosystem: str) -> None:
        quality.copy(ecosystem, "faulty", "repaired")
        ended = quality.run()
        assert ended.code == 0, ended
        assert quality.findings() == []
        assert quality.verdicts() == dict(zip(GATES, VERDICTS[ecosystem]["repaired"].split(), strict=True))


def test_coverage_below_the_floor_is_found_once_tests_pass(quality: Quality) -> None:
    quality.copy("python", "faulty", "repaired")
    (quality.nofx.folder / "tests/test_rules.py").unlink()
    assert quality.run().code == 1
    assert quality.findings() == [("coverage", "shop/rules.py", 3, "coverage")]


def test_what_does_not_apply_is_told_as_skipped_with_the_reason(quality: Quality) -> None:
    """Plain JavaScript: no types, no settings of eslint or prettier, but tests."""
    package = {"name": "plain", "scripts": {"test": "node --test"}}
    (quality.nofx.folder / "package.json").write_text(json.dumps(package))
    (quality.nofx.folder / "one.test.js").write_text('require("node:test")("one", () => {});\n')
    link_into(quality.nofx.folder)
    ended = quality.run()
    assert ended.code == 0, ended
    assert quality.verdicts() == {
        **dict.fromkeys(("format", "lint", "typecheck", "coverage", "sast"), "skipped"),
        **dict.fromkeys(("unit", "secrets"), "passed"),
    }
    assert "the project has nothing for mypy or pyright or tsc" in ended.err


@pytest.mark.parametrize("files", [{}, {"README.md": "# nothing\n"}, {"package.json": "{}"}, {"pyproject.toml": ""}])
def test_a_folder_without_anything_to_verify_never_succeeds(quality: Quality, files: dict[str, str]) -> None:
    for name, text in files.items():
        (quality.nofx.folder / name).write_text(text)
    assert quality.run().code == 1
    assert quality.verdicts()["unit"] == "vacuous"
