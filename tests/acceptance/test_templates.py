"""The plans that come with nofx, and plans from sentences, run to their ends, with scripted models over real HTTP."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.program import Ended, Program
from tests.model_server import ModelServer, Say

pytestmark = pytest.mark.acceptance

WRONG = '"""Sums."""\n\n\ndef add(a: int, b: int) -> int:\n    """Add."""\n    return a - b\n'
RIGHT = WRONG.replace("a - b", "a + b")
TEST = "from a import add\n\n\ndef test_add() -> None:\n    assert add(1, 1) == 2\n"
FENCE = "```"
KINDS = ("codegen", "reasoning", "docs")
RESULT = {"type": "result", "subtype": "success", "is_error": False, "result": "Done.", "total_cost_usd": 0.01}


class Shop:
    """A project in git with one function and its test, and a model for every kind of question."""

    def __init__(self, nofx: Program, server: ModelServer) -> None:
        self.nofx, self.server, self.folder = nofx, server, nofx.folder
        self.write("nofx.yaml", f"{server.models_yaml(kinds=KINDS)}gates: {{audit: {{enabled: false}}}}\n")
        self.write("pyproject.toml", '[project]\nname = "shop"\nversion = "1"\n')
        self.write("a.py", WRONG)
        self.write("test_a.py", TEST)
        self.git("init", "-q")
        self.commit("as it was")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
        subprocess.run(["git", *who, *words], cwd=self.folder, check=True)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def run(self, *words: str, code: int = 0) -> Ended:
        ended = self.nofx("run", *words)
        assert ended.code == code, ended
        return ended

    def steps(self) -> dict[str, Any]:
        return {step["name"]: step for step in json.loads(self.nofx("show", "--json").out)["steps"]}

    def statuses(self) -> dict[str, str]:
        return {name: step["status"] for name, step in self.steps().items()}

    def in_worktree(self, name: str) -> str:
        [found] = [
            path for path in self.nofx.store.rglob(name) if ".git" not in path.parts and "artifacts" not in path.parts
        ]
        return found.read_text()


@pytest.fixture
def shop(nofx: Program) -> Iterator[Shop]:
    with ModelServer() as server:
        yield Shop(nofx, server)


def whole(path: str, text: str) -> str:
    return f"`{path}`\n{FENCE}\n{text}{FENCE}\n"


class TestCodegen:
    def test_what_gates_find_goes_back_and_your_files_stay(self, shop: Shop) -> None:
        shop.server.script(Say(whole("a.py", WRONG.replace("a - b", "a * b"))), Say(whole("a.py", RIGHT)))
        shop.run("codegen", "-p", "task=Mend the sum", "-p", "files=a.py test_a.py")
        assert len(shop.server.asked) == 2
        assert "Mend the sum" in shop.server.asked[0].prompt
        assert TEST in shop.server.asked[0].prompt
        assert "test_add" in shop.server.asked[1].prompt
        assert shop.read("a.py") == WRONG
        assert shop.in_worktree("a.py") == RIGHT

    def test_only_what_it_may_write(self, shop: Shop) -> None:
        shop.server.script(*[Say(whole("a.py", RIGHT) + whole("b.py", "x = 1\n"))] * 3)
        shop.run("codegen", "-p", "task=Mend it", "-p", "may_write=a.py", code=1)
        assert "b.py may not be changed" in shop.server.asked[1].prompt
        assert shop.statuses()["write"] == "failed"

    def test_a_model_that_never_mends_it_comes_to_an_end(self, shop: Shop) -> None:
        shop.server.otherwise = Say(whole("a.py", WRONG.replace("a - b", "a * b")))
        shop.run("codegen", "-p", "task=Mend it", code=1)
        assert len(shop.server.asked) <= 6


class TestFixFailingTests:
    def test_the_code_is_mended_and_not_the_test(self, shop: Shop) -> None:
        shop.server.script(Say(whole("a.py", RIGHT)))
        shop.run("fix-failing-tests", "-p", "hint=add adds")
        [asked] = shop.server.asked
        assert "add adds" in asked.prompt
        assert "test_add" in asked.prompt
        assert RIGHT.replace("+", "-") in asked.prompt
        assert shop.statuses() == {"before": "failed", "fix": "succeeded", "unit": "succeeded", "lint": "succeeded"}
        assert shop.in_worktree("a.py") == RIGHT

    def test_a_model_that_changes_the_test_is_denied(self, shop: Shop) -> None:
        shop.server.otherwise = Say(whole("test_a.py", TEST.replace("== 2", "== 0")))
        shop.run("fix-failing-tests", code=6)
        assert "policy.denied fix" in shop.nofx.types()
        assert shop.in_worktree("test_a.py") == TEST

    def test_where_all_pass_no_model_is_asked(self, shop: Shop) -> None:
        shop.write("a.py", RIGHT)
        shop.commit("mended")
        shop.run("fix-failing-tests")
        assert shop.server.asked == []
        assert shop.statuses()["fix"] == "skipped"


class TestReviewDiff:
    def review(self, severity: str) -> Say:
        finding = {"path": "a.py", "line": 6, "severity": severity, "message": "it adds nothing"}
        return Say(json.dumps({"summary": "One thing.", "findings": [finding]}))

    def test_small_findings_are_told_and_kept(self, shop: Shop) -> None:
        shop.write("a.py", RIGHT)
        shop.server.script(self.review("low"))
        shop.run("review-diff")
        assert "-    return a - b\n+    return a + b\n" in shop.server.asked[0].prompt
        assert shop.steps()["review"]["outputs"]["data"]["findings"][0]["message"] == "it adds nothing"
        assert shop.statuses()["grave"] == "skipped"

    def test_a_grave_one_asks_a_person(self, shop: Shop) -> None:
        shop.write("a.py", RIGHT)
        shop.server.script(self.review("high"))
        shop.run("review-diff", "-p", "base=HEAD", code=8)
        told = shop.nofx("reject", "grave", "-m", "mend it first")
        assert "The review found something grave: One thing. Go on all the same?" in told.err
        assert "it adds nothing" in told.err
        assert shop.nofx("show", "--json").out.count('"status": "failed"') >= 1

    def test_a_change_with_a_secret_is_not_sent(self, shop: Shop) -> None:
        shop.write("keys.py", f'KEY = "{"AKIA" + "Q3EGRJEXAMPLE0Z7"}"\n')
        shop.run("review-diff", code=1)
        assert shop.server.asked == []


class TestReleaseNotes:
    def test_notes_are_approved_and_then_written(self, shop: Shop) -> None:
        shop.git("tag", "v1")
        shop.write("a.py", RIGHT)
        shop.commit("Sums are sums")
        shop.server.script(Say("## Fixed\n\n- Sums are sums."))
        shop.run("release-notes", "-p", "since=v1", "-p", "file=NEWS.md", code=8)
        assert "Sums are sums" in shop.server.asked[0].prompt
        assert "as it was" not in shop.server.asked[0].prompt
        assert not (shop.folder / "NEWS.md").exists()
        told = shop.nofx("approve", "publish")
        assert told.code == 0, told
        assert "+- Sums are sums." in told.err
        assert shop.read("NEWS.md") == "## Fixed\n\n- Sums are sums.\n"

    def test_a_tag_that_is_no_tag(self, shop: Shop) -> None:
        shop.run("release-notes", "-p", "since=--output=x", code=1)
        assert not (shop.folder / "x..HEAD").exists()
        assert shop.server.asked == []


class TestDependencyUpdate:
    BUMP = "import pathlib\npathlib.Path('dep.py').write_text('TWO = \"2\"\\n')\n"

    def prepare(self, shop: Shop) -> None:
        shop.write("dep.py", "TWO = 2\n")
        shop.write("bump.py", self.BUMP)
        shop.write(
            "a.py", RIGHT.replace("\n\n\ndef", "\n\nfrom dep import TWO\n\n\ndef").replace("a + b", "a + b + TWO - 2")
        )
        shop.commit("with a dependency")

    def test_what_the_update_breaks_is_adapted_and_a_person_keeps_it(self, shop: Shop) -> None:
        self.prepare(shop)
        words = ("dependency-update", "-p", "command=python3 bump.py")
        shop.run(*words, code=8)
        assert shop.statuses()["update"] == "waiting"
        adapted = shop.read("a.py").replace("TWO - 2", "int(TWO) - 2")
        shop.server.script(Say(whole("a.py", adapted)))
        assert shop.nofx("approve", "update").code == 8
        [asked] = shop.server.asked
        assert '+TWO = "2"' in asked.prompt
        assert "were updated with `python3 bump.py`" in asked.prompt
        told = shop.nofx("approve", "keep")
        assert told.code == 0, told
        assert "Tests: 1 test: 1 passed." in told.err
        assert "Keep this update? What it changed: nofx diff 2" in told.err
        assert shop.read("dep.py") == "TWO = 2\n"

    def test_nothing_to_adapt(self, shop: Shop) -> None:
        self.prepare(shop)
        shop.run("dependency-update", "-p", "command=true a;b", code=8)
        assert shop.nofx("approve", "update").code == 8
        assert shop.statuses()["adapt"] == "skipped"
        assert shop.server.asked == []

    def test_tests_that_failed_before(self, shop: Shop) -> None:
        shop.run("dependency-update", "-p", "command=true", code=1)
        assert shop.statuses()["update"] == "skipped"


class TestDbChange:
    SQL = "update item set cents = cents * 100 where id in (select item from line)"

    def prepare(self, shop: Shop) -> None:
        with sqlite3.connect(shop.folder / "shop.db") as db:
            db.executescript(
                "create table item (id integer primary key, cents int); create table line (item references item (id));"
                "insert into item (cents) values (1), (2); insert into line values (1);"
            )
        db.close()
        shop.write("nofx.yaml", "databases: {main: {url: 'sqlite:shop.db'}}\n")

    def rows(self, shop: Shop, sql: str = "") -> list[Any]:
        db = sqlite3.connect(shop.folder / "shop.db")
        try:
            with db:
                db.execute(sql or "select 1")
            return db.execute("select * from item order by 1").fetchall()
        finally:
            db.close()

    def test_what_was_counted_is_approved_and_done(self, shop: Shop) -> None:
        self.prepare(shop)
        shop.run("db-change", "-p", f"sql={self.SQL}", code=8)
        assert self.rows(shop) == [(1, 1), (2, 2)]
        told = shop.nofx("approve", "change")
        assert told.code == 0, told
        assert "preview.rows: 1" in told.err
        assert self.rows(shop) == [(1, 100), (2, 2)]
        [kept] = shop.nofx.store.rglob("before.jsonl")
        assert json.loads(kept.read_text()) == {"id": 1, "cents": 1}

    def test_what_changed_meanwhile_is_asked_anew(self, shop: Shop) -> None:
        self.prepare(shop)
        shop.run("db-change", "-p", f"sql={self.SQL}", code=8)
        assert shop.nofx("approve", "change", "--no-resume").code == 0
        self.rows(shop, "insert into line values (2)")
        assert shop.nofx("resume", "latest", "--no-wait").code == 5
        assert "approval.stale change" in shop.nofx.types()
        assert self.rows(shop) == [(1, 1), (2, 2)]
        assert shop.nofx("approve", "change").code == 0
        assert self.rows(shop) == [(1, 100), (2, 200)]

    @pytest.mark.parametrize(
        ("sql", "told"),
        [
            ("delete from item", "its DELETE has no WHERE: that would be every row"),
            ("delete from item where id = 1; drop table line", "there are 2 statements"),
            ("drop table item", "step change may not do the operation `ddl`"),
            ("attach 'other.db' as other", "it is ATTACH"),
            ("update item set cents = 1 where nosuch = 2", "item has no column nosuch"),
        ],
    )
    def test_statements_that_cannot_be(self, shop: Shop, sql: str, told: str) -> None:
        self.prepare(shop)
        ended = shop.nofx("run", "db-change", "-p", f"sql={sql}")
        assert ended.code == 6, ended
        assert told in ended.err
        assert self.rows(shop) == [(1, 1), (2, 2)]
        assert not (shop.folder / "other.db").exists()


class TestAgentTask:
    def test_an_agent_works_gates_look_and_a_person_accepts(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = shop.folder.parent / "bin"
        self._install(
            folder, f"cat >/dev/null; sed -i.bak 's/a - b/a + b/' a.py && rm a.py.bak; echo '{json.dumps(RESULT)}'"
        )
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        shop.run("agent-task", "-p", "task=Mend the sum", code=8)
        told = shop.nofx("approve", "accept")
        assert told.code == 0, told
        assert "Tests: 1 test: 1 passed. Accept what was changed?" in told.err
        assert shop.read("a.py") == WRONG
        assert shop.in_worktree("a.py") == RIGHT

    def _install(self, folder: Path, script: str) -> None:
        folder.mkdir()
        program = folder / "claude"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)


class TestFromASentence:
    def test_a_sentence_is_done_and_waits_for_its_person(self, shop: Shop) -> None:
        shop.server.script(Say(whole("a.py", RIGHT)))
        sentence = "Mend {{ the }} sum in a.py, run the tests, let Ada approve it"
        ended = shop.run("--prompt", sentence, "--planner", "rules", "--yes", code=8)
        assert "in a git worktree of its own; your files are left alone" in ended.err
        assert sentence in shop.server.asked[0].prompt
        told = shop.nofx("approve", "approve")
        assert told.code == 0, told
        assert "For Ada: may this stand? nofx diff 2" in told.err
        assert shop.in_worktree("a.py") == RIGHT

    def test_a_plan_of_a_model_runs_like_any_other(self, shop: Shop) -> None:
        step = {"tool": "codegen", "text": "Mend the sum.", "files": ["a.py"]}
        shop.server.script(Say(json.dumps({"steps": [step]})), Say(whole("a.py", RIGHT)))
        shop.run("--prompt", "The sum is wrong", "--gate", "tests", "--yes")
        assert shop.statuses() == {"write": "succeeded", "unit": "succeeded"}
        assert "Mend the sum." in shop.server.asked[1].prompt

    def test_a_plan_that_was_kept_runs_by_its_name(self, shop: Shop) -> None:
        (shop.folder / "plans").mkdir()
        made = shop.nofx("plan", "new", "check lint of a.py", "--planner", "rules", "-o", "plans/tidy.yaml")
        assert made.code == 0, made
        shop.run("tidy")
