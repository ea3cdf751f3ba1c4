"""`nofx export` and `nofx import`: a run is carried to another project and store, or nothing is."""

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli.domain import events as ev
from nofx_cli.domain.codec import Head
from nofx_cli.domain.ids import RunId, StepName, digest_of_bytes
from nofx_cli.drivers.filesystem.layout import Layout
from nofx_cli.engine import import_run
from nofx_cli.engine.run_file import read_run_file, write_run_file
from nofx_cli.ports.carrying import CarriedFile, TreePack
from tests.cli.console import RUN, TWO_STEPS, Console, Records, success
from tests.cli.runner import ASK, ECHO, LAST, Runner

V1 = Path(__file__).resolve().parents[1] / "fixtures" / "exports" / "v1" / "run.nofx.tgz"
V1_RUN = "20261122-231153-4bb64s"
V1_HEAD = "13:5f04424c850beacb29d6ad93b414734473f2fcd1e06af789031d8a88017bd106"


def git(folder: Path, *words: str) -> str:
    when = {"GIT_AUTHOR_DATE": "2026-01-01T12:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T12:00:00Z"}
    env = {**os.environ, **when}
    return subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runner]:
    """Another project, with a store of its own; `cd` brings the command line there."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "nofx.yaml").touch()
    runner = Runner(Console(folder), Records(tmp_path / "store of there"))
    yield runner
    if list(runner.records.store.runs()):
        go(monkeypatch, runner)
        runner("verify", "--all")


def go(monkeypatch: pytest.MonkeyPatch, runner: Runner) -> None:
    """Sit down in the project of that runner."""
    monkeypatch.chdir(runner.cli.folder)
    monkeypatch.setenv("NOFX_HOME", str(runner.records.layout.root))


class TestThereAndBack:
    def test_a_run_that_waits_goes_on_there_and_comes_back(
        self, nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = nofx.run(ECHO + ASK + LAST, "--idempotency-key", "k", code=8)
        file, back = str(tmp_path / "run.nofx.tgz"), str(tmp_path / "back.nofx.tgz")
        told = nofx.json("export", "-o", file)
        go(monkeypatch, there)
        head = f"{told['head']['seq']}:{told['head']['digest']}"
        there.run(ECHO, "--idempotency-key", "another")  # from now on there is an index of keys
        assert there.json("import", file, "--expect-head", head)["came"] == "new"
        assert list(there.records.store.lines(run)) == list(nofx.records.store.lines(run))
        assert there.json("show", run)["workspace"]["path"] == str(there.cli.folder)
        there("approve", "release")
        assert there.events(run)[-1].type == "run.succeeded"
        result = there("run", there.plan(ECHO + ASK + LAST), "--idempotency-key", "k")
        assert f"run {run} succeeded" in result.stdout  # the key came with it
        there("export", run, "-o", back)
        go(monkeypatch, nofx)
        forward = nofx.json("import", back)
        assert (forward["came"], forward["status"]) == ("forward", "succeeded")
        assert list(there.records.store.lines(run)) == list(nofx.records.store.lines(run))
        assert nofx.json("show")["workspace"]["path"] == str(nofx.cli.folder)
        assert nofx.json("import", file)["came"] == "behind"

    def test_it_is_taken_in_once(
        self, nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nofx.run(ECHO)
        nofx("export", "-o", str(tmp_path / "f"))
        go(monkeypatch, there)
        there("import", str(tmp_path / "f"))
        result = there("import", str(tmp_path / "f"))
        assert "is here already, just so; it is succeeded" in result.stdout

    def test_one_that_went_on_in_both_places_is_a_conflict(
        self, nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = nofx.run(ECHO + ASK, code=8)
        nofx("export", "-o", str(tmp_path / "f"))
        seq = nofx.records.store.head(run).seq
        nofx("reject", "release")
        go(monkeypatch, there)
        there("import", str(tmp_path / "f"))
        there("approve", "release")
        there("export", "-o", str(tmp_path / "g"))
        before = list(nofx.records.store.lines(run))
        go(monkeypatch, nofx)
        error = nofx.error("import", str(tmp_path / "g"), code=5)
        assert error["code"] == "run-diverged"
        assert f"they differ from event {seq + 1} on" in error["message"]
        assert list(nofx.records.store.lines(run)) == before

    def test_what_models_answered_goes_with_it(
        self, cli: Console, records: Records, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from nofx_cli.drivers.filesystem.archive import FileArchive
        from tests.cli.test_archive import put, taken

        mine = put(FileArchive(records.layout))
        put(FileArchive(records.layout), question="of another run?", run="20260102-120000-bbbbbb")
        records.add(TWO_STEPS, success("build"), [taken(mine)])
        cli.ok("export", "-o", str(tmp_path / "f"))
        go(monkeypatch, there)
        there("import", str(tmp_path / "f"))
        assert [entry["request"] for entry in there.json("archive", "ls")] == [mine.request]


def test_the_fields_are_pinned(nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = nofx.run(ECHO)
    file = tmp_path / "run.nofx.tgz"
    told = nofx.json("export", "-o", str(file))
    head = nofx.records.store.head(run)
    assert len(told.pop("digest")) == 64
    assert told == {
        "run": run, "path": str(file), "status": "succeeded", "head": {"seq": head.seq, "digest": head.digest},
        "files": 2, "bytes": file.stat().st_size, "missing": 0,
    }  # fmt: skip
    go(monkeypatch, there)
    assert there.json("import", str(file)) == {
        "run": run, "came": "new", "status": "succeeded", "head": {"seq": head.seq, "digest": head.digest},
        "events": head.seq, "notes": [],
    }  # fmt: skip


def test_to_a_file_that_is_called_as_the_run(nofx: Runner) -> None:
    run = nofx.run(ECHO)
    result = nofx("export")
    head = nofx.records.store.head(run)
    assert result.stdout.endswith(f"\nhead {head.seq}:{head.digest}\n")
    assert f"next: nofx import {run}.nofx.tgz --expect-head {head.seq}:{head.digest}" in result.stderr
    assert [path.name for path in nofx.cli.folder.glob("*.tgz")] == [f"{run}.nofx.tgz"]
    assert nofx.error("export", code=5)["code"] == "file-exists"
    nofx("export", "--force")


def test_to_standard_output(nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nofx.run(ECHO)
    (tmp_path / "f").write_bytes(nofx("export", "-o", "-").stdout_bytes)
    assert nofx.error("export", "-o", "-", code=2)["code"] == "usage"
    go(monkeypatch, there)
    there("import", str(tmp_path / "f"))


class TestRefused:
    def test_a_file_in_which_a_byte_was_changed(
        self, nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nofx.run(ECHO)
        file = tmp_path / "f"
        nofx("export", "-o", str(file))
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data)
        go(monkeypatch, there)
        error = there.error("import", str(file), code=3)
        assert error["code"] == "run-file-bad"
        assert error["message"].endswith("its content is not what its digest says: it was changed, or cut off")
        assert not there.records.layout.root.exists()

    def test_a_journal_that_somebody_made_anew_is_seen_by_the_head(
        self, nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        nofx.run(ECHO)
        nofx("export", "-o", str(tmp_path / "f"))
        go(monkeypatch, there)
        error = there.error("import", str(tmp_path / "f"), "--expect-head", "ab" * 32, code=5)
        assert error["code"] == "head-differs"
        assert there.error("import", str(tmp_path / "f"), "--expect-head", "x", code=2)["code"] == "bad-head"
        assert not there.runs()

    def test_no_file(self, nofx: Runner, tmp_path: Path) -> None:
        assert nofx.error("import", str(tmp_path / "none"), code=4)["code"] == "file-not-found"
        assert nofx.error("import", str(tmp_path), code=3)["code"] == "run-file-bad"

    def test_a_run_that_a_living_process_executes(self, nofx: Runner) -> None:
        run = nofx.run(ECHO + ASK, code=8)
        with nofx.records.liveness.hold(run):
            error = nofx.error("export", code=5)
        assert error["code"] == "run-is-held"
        assert "would go on in two places" in error["message"]
        assert not list(nofx.cli.folder.glob("*.tgz"))
        assert not list(nofx.cli.folder.glob(".new*"))

    def test_a_run_that_is_not_what_its_journal_says(self, nofx: Runner) -> None:
        run = nofx.run(ECHO)
        plan = Layout(nofx.records.layout.root).run(run) / "plan.yaml"
        text = plan.read_text()
        plan.write_text(text + "# changed\n")
        assert nofx.error("export", code=5)["code"] == "run-damaged"
        plan.write_text(text)

    @pytest.mark.parametrize("where", ["journal", "log", "artifact", "shown"])
    def test_a_secret_that_was_not_known_when_it_was_kept(
        self, cli: Console, records: Records, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        secret = "correct-horse-battery"
        records.add(TWO_STEPS, success("build", said=secret if where == "journal" else ""))
        if where == "log":
            records.log(f"the word is {secret}\n".encode(), step="build")
        elif where == "artifact":
            records.append(RunId(RUN), (records.artifact("a.txt", secret.encode(), step="build"), "build", 1))
        elif where == "shown":
            text = json.dumps({"inputs": secret})
            import hashlib

            digest = hashlib.sha256(text.encode()).hexdigest()
            path = records.artifacts.put_shown(RunId(RUN), digest, text)
            records.append(RunId(RUN), (ev.ApprovalRequested(digest, "Go on?", path=path), StepName("check")))
        cli.ok("export", "-o", "before")
        monkeypatch.setenv("DEPLOY_TOKEN", secret)
        result = cli("export", "-o", "after", "--json")
        assert result.exit_code == 6
        assert json.loads(result.stdout)["error"]["code"] == "secret-in-run"
        assert secret not in result.output
        assert not Path("after").exists()


class TestCommits:
    def test_another_commit_is_refused_and_can_be_asked_for(
        self, nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for runner in (nofx, there):
            git(runner.cli.folder, "init", "-q", "-b", "trunk")
            git(runner.cli.folder, "add", "nofx.yaml")
        git(nofx.cli.folder, "commit", "-q", "-m", "one")
        git(there.cli.folder, "commit", "-q", "-m", "another")
        nofx.run(ECHO + ASK, code=8)
        nofx("export", "-o", str(tmp_path / "f"))
        go(monkeypatch, there)
        error = there.error("import", str(tmp_path / "f"), code=5)
        assert error["code"] == "commit-differs"
        assert error["hint"].startswith(f"git checkout {git(nofx.cli.folder, 'rev-parse', 'HEAD').strip()}, or ")
        there("import", str(tmp_path / "f"), "--any-commit")
        there("approve", "release")

    def test_what_differs_from_the_commit_is_told(
        self, nofx: Runner, there: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for runner in (nofx, there):
            git(runner.cli.folder, "init", "-q", "-b", "trunk")
            git(runner.cli.folder, "add", "nofx.yaml")
            git(runner.cli.folder, "commit", "-q", "-m", "one")
        nofx.run(ECHO + ASK, code=8)
        nofx("export", "-o", str(tmp_path / "f"))
        (there.cli.folder / "nofx.yaml").write_text("# changed\n")
        go(monkeypatch, there)
        assert "tracked files here differ from the commit" in there("import", str(tmp_path / "f")).stderr


@pytest.fixture
def shop(there: Runner, monkeypatch: pytest.MonkeyPatch) -> Runner:
    import tarfile

    folder = there.cli.folder
    (folder / "nofx.yaml").write_text("\n")
    (folder / "a.txt").write_text("one\n")
    with tarfile.open(V1) as tar:
        plan = tar.extractfile("plan.yaml")
        assert plan is not None
        (folder / "plan.yaml").write_bytes(plan.read())
    ada = {"AUTHOR_NAME": "ada", "AUTHOR_EMAIL": "ada@example.invalid", "COMMITTER_NAME": "ada"}
    for name, value in {**ada, "COMMITTER_EMAIL": "ada@example.invalid"}.items():
        monkeypatch.setenv(f"GIT_{name}", value)
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    assert git(folder, "rev-parse", "HEAD").strip() == "f13faafe4bd0ebf6f006ea4b3db53751e63fb5e0"
    go(monkeypatch, there)
    return there


class TestVersion1:
    """A file that this version wrote is taken in by every later one: with a worktree, and what was approved."""

    def test_it_goes_on(self, shop: Runner) -> None:
        shop("import", str(V1), "--expect-head", V1_HEAD)
        refs = git(shop.cli.folder, "for-each-ref", "--format=%(refname)", "refs/nofx").split()
        assert refs == [f"refs/nofx/{V1_RUN}/@base", f"refs/nofx/{V1_RUN}/notes/1"]
        shop("approve", "release")
        assert (shop.records.layout.run(RunId(V1_RUN)) / "logs" / "publish.1.log").read_text("utf-8") == "Grüße\n"
        assert shop("diff", "latest").stdout.endswith("+Grüße\n")

    def test_where_its_commit_is_missing_it_is_refused(self, shop: Runner, tmp_path: Path) -> None:
        git(shop.cli.folder, "checkout", "-q", "--orphan", "other")
        git(shop.cli.folder, "commit", "-q", "-m", "other")
        git(shop.cli.folder, "branch", "-D", "trunk")
        git(shop.cli.folder, "reflog", "expire", "--expire=now", "--all")
        git(shop.cli.folder, "gc", "-q", "--prune=now")
        error = shop.error("import", str(V1), code=5)
        assert error["code"] == "commit-missing"
        assert "git fetch" in error["hint"]
        assert not shop.runs()

    def test_outside_of_any_repository_it_is_refused(self, nofx: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
        assert nofx.error("import", str(V1), code=5)["code"] == "no-repository"
        assert not nofx.runs()


class Forger:
    """Writes the file of version 1 anew, with other content and digests that are right."""

    def __init__(self) -> None:
        file = io.BytesIO(V1.read_bytes())
        self.manifest, contents = read_run_file(file)
        self.files = {carried.path: b"".join(blocks) for carried, blocks in contents}

    def write(self, path: Path) -> str:
        listed = tuple(CarriedFile(name, len(data), digest_of_bytes(data)) for name, data in self.files.items())
        manifest = replace(self.manifest, files=listed)
        with open(path, "w+b") as target:
            write_run_file(target, manifest, ((file, iter([self.files[file.path]])) for file in listed))
        return str(path)

    def cut(self, lines: int) -> None:
        """Leave only the first lines of the journal."""
        kept = self.files["journal.jsonl"].splitlines(keepends=True)[:lines]
        self.files["journal.jsonl"] = b"".join(kept)
        self.manifest = replace(self.manifest, head=Head(lines, digest_of_bytes(kept[-1][:-1])))

    def drop_trees(self) -> None:
        del self.files["worktree.pack"]
        self.manifest = replace(self.manifest, trees=None)


ARTIFACT = "artifacts/build/1/büro.txt"


class TestForged:
    """Every digest is right: what the journal says of itself and of the files decides."""

    @pytest.mark.parametrize(
        ("forge", "why"),
        [
            (lambda f: f.files.update({"plan.yaml": f.files["plan.yaml"] + b"# x\n"}), "plan.yaml is not what the"),
            (lambda f: f.files.update({ARTIFACT: b"other"}), f"{ARTIFACT} is not what the journal tells"),
            (lambda f: f.files.pop(ARTIFACT), f"it lacks {ARTIFACT}"),
            (lambda f: f.files.update({"artifacts/build/1/x": b""}), "no event tells of artifacts/build/1/x"),
            (lambda f: f.files.update({"snapshot.json": b"{}"}), "no event tells of snapshot.json"),
            (lambda f: f.files.pop("journal.jsonl"), "it lacks the journal, or the plan"),
            (lambda f: f.files.update({"journal.jsonl": b""}), "events 1 to 13 are missing"),
            (
                lambda f: f.files.update({"journal.jsonl": f.files["journal.jsonl"].replace(b'"ada"', b'"eve"', 1)}),
                "event 1 was changed, or event 2",
            ),
            (lambda f: f.cut(2), "the last batch is torn"),
            (lambda f: setattr(f, "manifest", replace(f.manifest, run=RUN)), "its journal is that of another run"),
            (
                lambda f: f.drop_trees(),
                "its worktree and what it says of it do not fit",
            ),
            (lambda f: f.files.update({"worktree.pack": b"PACK"}), "git does not take the objects of its worktree"),
            (
                lambda f: setattr(f, "manifest", replace(f.manifest, trees=TreePack(f.manifest.commit, {}))),
                "does not keep the tree that the journal tells",
            ),
            (lambda f: f.files.update({"logs/build.9.log": b"x"}), "no event tells of logs/build.9.log"),
            (lambda f: f.files.update({"logs/a/b.log": b"x"}), "no event tells of logs/a/b.log"),
            (lambda f: setattr(f, "manifest", replace(f.manifest, commit="")), "its workspace is not the one that"),
            (lambda f: f.files.update({"archive.gz": b"x"}), "archive.gz: it is no file that `nofx archive export`"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_it_is_refused_and_nothing_is_written(
        self, shop: Runner, tmp_path: Path, forge: Callable[[Forger], object], why: str
    ) -> None:
        forger = Forger()
        forge(forger)
        error = shop.error("import", forger.write(tmp_path / "forged"), code=3)
        assert error["code"] == "run-file-bad"
        assert why in error["message"]
        assert not shop.records.layout.root.exists()
        assert git(shop.cli.folder, "for-each-ref", "refs/nofx") == ""

    def test_what_unpacks_to_far_more_than_it_packs_is_not_read_into_memory(
        self, shop: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_run, "_IN_MEMORY_AT_LEAST", 0)
        forger = Forger()
        forger.files["archive.gz"] = bytes(2_000_000)
        error = shop.error("import", forger.write(tmp_path / "forged"), code=3)
        assert "archive.gz has 2000000 bytes, far more than is packed in the file" in error["message"]

    def test_a_run_that_goes_on_is_not_taken_for_an_ended_one(self, nofx: Runner, tmp_path: Path) -> None:
        forger = Forger()
        forger.manifest = replace(forger.manifest, status="succeeded")
        assert nofx.error("import", forger.write(tmp_path / "forged"), code=5)["code"] == "no-repository"

    def test_a_tail_that_was_cut_off_shows_against_the_head(self, shop: Runner, tmp_path: Path) -> None:
        """Whole batches: without a head that was noted elsewhere, nothing tells that there were more."""
        forger = Forger()
        ends = [
            number
            for number, line in enumerate(forger.files["journal.jsonl"].splitlines(), 1)
            if b'"more":' not in line and number < forger.manifest.head.seq
        ]
        forger.cut(ends[-1])
        vouched = {name: data for name, data in forger.files.items() if name.encode() in forger.files["journal.jsonl"]}
        always = {"journal.jsonl", "plan.yaml", "worktree.pack"}
        forger.files = {name: data for name, data in forger.files.items() if name in vouched or name in always}
        file = forger.write(tmp_path / "forged")
        assert shop.error("import", file, "--expect-head", V1_HEAD, code=5)["code"] == "head-differs"
        shop("import", file)
