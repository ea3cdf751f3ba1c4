"""`gate:build`: the archives that were made, and why there are none."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from nofx_cli.domain.outcome import Failed, Verdict
from nofx_cli.handlers.gates.build import HANDLER, judge
from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext, ProcessCall, process_result


def make_wheel(folder: Path, *names: str) -> Path:
    path = folder / "shop-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name in names:
            wheel.writestr(name, "x" * 5000)
    return path


def make_sdist(folder: Path, *names: str) -> Path:
    path = folder / "shop-1.tar.gz"
    with tarfile.open(path, "w:gz") as sdist:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 5000
            sdist.addfile(info, io.BytesIO(bytes(range(250)) * 20))
    return path


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    folder.mkdir()
    return folder


CONTENT = ("shop/__init__.py", "shop-1.dist-info/METADATA")


def test_both_archives_with_files_in_them_pass(dist: Path) -> None:
    make_wheel(dist, *CONTENT)
    make_sdist(dist, "shop-1/PKG-INFO", "shop-1/shop.py")
    evidence = judge(dist)
    assert (evidence.verdict, evidence.counts) == (Verdict.PASSED, {"artifacts": 2, "files": 4})
    assert evidence.summary == "shop-1-py3-none-any.whl (2 files), shop-1.tar.gz (2 files)"
    assert {one["name"]: one["files"] for one in json.loads(evidence.report)} == {
        "shop-1-py3-none-any.whl": 2,
        "shop-1.tar.gz": 2,
    }


@pytest.mark.parametrize(
    ("wheel", "sdist"),
    [(CONTENT[1:], ("a/b.py",)), ((), ("a/b.py",)), (CONTENT, ()), (CONTENT, ("shop-1/PKG-INFO",))],
)
def test_an_archive_with_nothing_in_it_is_vacuous(dist: Path, wheel: tuple[str, ...], sdist: tuple[str, ...]) -> None:
    make_wheel(dist, *wheel)
    make_sdist(dist, *sdist)
    evidence = judge(dist)
    assert (evidence.verdict, evidence.counts["artifacts"]) == (Verdict.VACUOUS, 0)


def test_one_that_is_missing_or_damaged_is_no_evidence(dist: Path) -> None:
    with pytest.raises(NoEvidence, match="without making a sdist and a wheel"):
        judge(dist / "none")
    wheel = make_wheel(dist, *CONTENT)
    with pytest.raises(NoEvidence, match="without making a sdist"):
        judge(dist)
    sdist = make_sdist(dist, "a/b.py")
    whole = sdist.read_bytes()
    sdist.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(NoEvidence, match=r"shop-1.tar.gz is no archive that can be read"):
        judge(dist)
    sdist.write_bytes(whole)
    wheel.write_bytes(wheel.read_bytes().replace(b"xxxxx", b"yyyyy", 1))
    with pytest.raises(NoEvidence, match=r"shop/__init__.py in shop-1-py3-none-any.whl cannot be read"):
        judge(dist)


class TestRun:
    @pytest.fixture
    def ctx(self, tmp_path: Path) -> FakeContext:
        ctx = FakeContext(tmp_path)
        program = ctx.workspace / ".venv/bin/pyproject-build"
        program.parent.mkdir(parents=True)
        program.touch(mode=0o755)
        (ctx.workspace / "pyproject.toml").write_text('[build-system]\nrequires = ["x"]\nbuild-backend = "own.api"\n')
        (ctx.workspace / "shop.py").touch()
        (ctx.store / "kept").mkdir(parents=True)
        (ctx.store / "kept/x.py").touch()
        return ctx

    def outcome(self, ctx: FakeContext, stderr: str) -> Failed:
        def fails(call: ProcessCall) -> ProcessResult:
            for place, word in enumerate(call.argv):
                if word.startswith('exec "$@" '):
                    Path(call.argv[place + 1]).write_text(stderr if "2>" in word else "")
            return process_result(1)

        ctx.processes = fails
        outcome = HANDLER.run(ctx)
        assert isinstance(outcome, Failed)
        return outcome

    def test_a_backend_that_breaks_is_the_projects_fault(self, ctx: FakeContext) -> None:
        said = "Traceback:\nOSError: Readme file does not exist: R.md\nERROR Backend subprocess exited when trying x\n"
        outcome = self.outcome(ctx, said)
        assert (outcome.error.code, outcome.error.message) == (
            "gate-failed",
            "it cannot be built: OSError: Readme file does not exist: R.md",
        )

    @pytest.mark.parametrize(
        ("said", "message"),
        [
            ("< ERROR: No matching distribution found for x\nERROR Command '[...]' returned 1\n", "No matching"),
            ("ERROR Unmet dependencies (checked against python):\n\tx\n", "Unmet dependencies"),
            ("ERROR Backend 'x' is not available.\n", "Backend 'x' is not available"),
            ("", "it said nothing"),
        ],
    )
    def test_what_could_not_be_had_is_no_fault_of_the_project(self, ctx: FakeContext, said: str, message: str) -> None:
        outcome = self.outcome(ctx, said)
        assert outcome.error.code == "gate-errored"
        assert message in outcome.error.message
        assert "network" in outcome.error.hint

    def test_it_is_a_copy_that_is_built(self, ctx: FakeContext) -> None:
        self.outcome(ctx, "")
        source = ctx.scratch / "build" / "source"
        assert ctx.calls[-1].argv[-1] == str(source)
        assert sorted(path.name for path in source.rglob("*")) == ["pyproject.toml", "shop.py"]

    def test_isolation_is_left_out_only_where_the_backend_is_there(self, ctx: FakeContext) -> None:
        assert "--no-isolation" not in str(HANDLER.preview(ctx)["argv"])
        package = ctx.workspace / ".venv/lib/python3.11/site-packages/own"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        assert "--no-isolation" in str(HANDLER.preview(ctx)["argv"])

    def test_a_backend_that_lacks_what_it_asks_for_is_built_in_isolation(self, ctx: FakeContext) -> None:
        package = ctx.workspace / ".venv/lib/python3.11/site-packages/own"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        self.outcome(ctx, "ERROR Unmet dependencies (checked against python):\n\twheel\n")
        assert ["--no-isolation" in call.argv for call in ctx.calls if "--outdir" in call.argv] == [True, False]


def test_options_that_would_spoil_the_evidence_are_refused() -> None:
    for option in ("--outdir=x", "-o", "--wheel", "-s"):
        assert HANDLER.check({"args": [option]}) != []
