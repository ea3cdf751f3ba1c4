"""`git_pr` as a user has it: a real remote, a forge over HTTP, a person who approves, and a checkout left as it was."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.acceptance.program import Program
from tests.acceptance.pull_request_project import SECRETS, TOKEN, Shop
from tests.acceptance.workplace import Workplace
from tests.forge_server import DO_AND_DROP, REPOSITORY, ForgeServer, refuse

pytestmark = pytest.mark.acceptance

WRITES = "  - {name: write, tool: workspace:write, inputs: {path: made.txt, content: made}}\n"


@pytest.fixture
def shop(nofx: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("SHOP_TOKEN", TOKEN)
    with ForgeServer(tmp_path / "bare.git", token=TOKEN) as forge:
        yield Shop(nofx, tmp_path, forge)


def test_it_waits_and_then_the_branch_has_only_the_listed_files_and_yours_are_as_they_were(shop: Shop) -> None:
    folder = shop.nofx.folder
    (folder / "a.txt").write_text("changed, stashed\n")
    shop.checkout.git("stash")
    (folder / "b.txt").write_text("changed, staged\n")
    shop.checkout.git("add", "b.txt")
    (folder / "a.txt").write_text("changed, not staged\n")
    (folder / "tool.sh").write_text("#!/bin/sh\n")
    (folder / "tool.sh").chmod(0o755)
    (folder / "beside.txt").write_text("nobody asked for it\n")
    plan = shop.plan(files=["a.txt", "tool.sh", {"path": "docs/new.md", "content": "new\n"}])
    shop.goes_on("elsewhere.txt", "so the commit of the base is not here\n")
    before, objects = shop.checkout.state(), shop.objects()

    assert shop.nofx("run", plan).code == 8
    assert (shop.branches(), shop.forge.pulls) == ([], [])
    told = shop.nofx("approve", "pr")
    assert told.code == 0, told

    assert "+changed, not staged" in told.err
    assert shop.changed() == ["M a.txt", "A docs/new.md", "A tool.sh"]
    [branch] = shop.branches()
    assert branch == f"nofx-pr/{shop.nofx.runs()[0]}/pr"
    assert shop.remote("ls-tree", branch, "tool.sh").startswith("100755")
    assert shop.remote("show", f"{branch}:a.txt") == "changed, not staged"
    assert shop.remote("rev-list", "--count", f"trunk..{branch}") == "1"
    [pull] = shop.forge.pulls
    assert (pull["title"], pull["head"], pull["base"]) == ("Notes", branch, "trunk")
    assert shop.checkout.state() == before
    assert shop.objects() == objects
    outputs = shop.step()["outputs"]
    assert outputs["number"] == 1
    assert outputs["url"] == "https://forge.example/team/shop/pull/1"
    assert outputs["commit"] == shop.remote("rev-parse", branch)


def test_the_body_tells_gates_and_cost_and_the_end_of_a_journal_that_verifies(shop: Shop) -> None:
    (shop.nofx.folder / "nofx.yaml").write_text(SECRETS + 'gates: {words: {command: ["true"], parser: exit-code}}\n')
    before = '  - {name: words, tool: "gate:words"}\n  - {name: look, tool: "manual:look"}\n'
    assert shop.run(before=before, body="It costs $5.", labels=["docs"], reviewers=["ada", "org/team"]).code == 8
    assert shop.nofx("approve", "look").code == 8
    told = shop.nofx("approve", "pr")
    assert told.code == 0, told
    [pull] = shop.forge.pulls
    assert pull["body"].startswith(
        "It costs $5.\n\n| step | gate | verdict | what it counted |\n|---|---|---|---|\n| words |"
    )
    assert "Cost: no model was asked." in pull["body"]
    assert (pull["labels"], pull["reviewers"]) == (["docs"], ["ada", "team"])
    command = pull["body"].partition("`nofx ")[2].partition("`")[0]
    assert "--expect-head" in command
    assert shop.nofx(*command.split()).code == 0


def test_a_dry_run_shows_it_and_does_nothing(shop: Shop) -> None:
    told = shop.nofx("run", shop.plan(), "--dry-run")
    assert told.code == 0, told
    assert "+# Notes" in told.out
    assert "asks: a person first" in told.out
    assert (shop.branches(), shop.forge.asked) == ([], [])


@pytest.mark.long
def test_the_plan_that_comes_with_nofx(shop: Shop) -> None:
    (shop.nofx.folder / "test_a.py").write_text("def test_a() -> None:\n    assert True\n")
    (shop.nofx.folder / "nofx.yaml").write_text(SECRETS.replace("forge:", "github:"))
    (shop.nofx.folder / "a.txt").write_text("changed\n")
    words = {"title": "A change", "files": "a.txt b.txt", "forge": "github", "api_url": shop.forge.github}
    words |= {"repository": REPOSITORY, "draft": "true"}
    given = [word for name, value in words.items() for word in ("-p", f"{name}={value}")]
    assert shop.nofx("run", "pull-request", *given).code == 8
    told = shop.nofx("approve", "pr")
    assert told.code == 0, told
    assert shop.changed() == ["M a.txt"]
    [pull] = shop.forge.pulls
    assert pull["draft"] is True
    assert "| secrets | gate:secrets | passed |" in pull["body"]
    assert "| unit | gate:unit | passed | tests: 1," in pull["body"]


class TestApprovals:
    def test_a_base_that_goes_on_elsewhere_leaves_an_approval_alone(self, shop: Shop) -> None:
        plan = shop.plan(files=[{"path": "a.txt", "content": "other\n"}])
        assert shop.nofx("run", plan).code == 8
        assert shop.nofx("approve", "pr", "--no-resume").code == 0
        shop.goes_on("elsewhere.txt", "1\n")
        told = shop.nofx("resume", "latest")
        assert told.code == 0, told
        assert shop.changed() == ["M a.txt"]
        assert shop.remote("rev-parse", f"{shop.branches()[0]}^") == shop.remote("rev-parse", "trunk")

    def test_a_base_that_makes_the_difference_another_one_is_asked_anew(self, shop: Shop) -> None:
        (shop.nofx.folder / "a.txt").write_text("mine\n")
        assert shop.run(files=["a.txt"]).code == 8
        assert shop.nofx("approve", "pr", "--no-resume").code == 0
        shop.goes_on("a.txt", "theirs\n")
        told = shop.nofx("resume", "latest", "--no-wait")
        assert told.code == 5, told
        assert "approval.stale pr" in shop.nofx.types()
        assert shop.branches() == []
        assert "-theirs\n    +mine" in shop.nofx("approve", "pr").err
        assert shop.remote("show", f"{shop.branches()[0]}:a.txt") == "mine"


class TestRunChanges:
    def test_what_the_run_changed_in_its_worktree_is_carried_over_to_the_base(self, shop: Shop) -> None:
        shop.goes_on("b.txt", "b\nand more\n")
        before = WRITES + ('  - {name: edit, tool: workspace:write, inputs: {path: b.txt, content: "first\\nb\\n"}}\n')
        told = shop.opened(before=before, files=None)
        assert "+first" in told.err
        assert shop.changed() == ["M b.txt", "A made.txt"]
        assert shop.remote("show", f"{shop.branches()[0]}:b.txt") == "first\nb\nand more"
        assert (shop.nofx.folder / "b.txt").read_text() == "b\n"


class TestOnePullRequest:
    @pytest.mark.long  # the tests of the handler lose the answer of either forge
    def test_the_forge_opens_it_and_drops_the_connection(self, shop: Shop) -> None:
        assert shop.run().code == 8
        shop.forge.next("POST", DO_AND_DROP)
        told = shop.nofx("approve", "pr")
        assert told.code == 0, told
        assert len(shop.forge.pulls) == 1
        assert shop.step()["outputs"]["number"] == 1

    @pytest.mark.long
    def test_a_second_run_has_a_branch_and_a_pull_request_of_its_own(self, shop: Shop) -> None:
        shop.opened()
        shop.opened()
        assert len(set(shop.branches())) == len(shop.forge.pulls) == 2

    def test_two_workers(self, shop: Shop, work: Workplace) -> None:
        workers = [work.worker(), work.worker()]
        told = shop.nofx("run", shop.plan(), "--detach")
        assert told.code == 0, told
        work.has("", "run.waiting")
        assert shop.nofx("approve", "pr", "--no-resume").code == 0
        work.has("", "run.succeeded")
        for worker in workers:
            worker.signal()
        assert [worker.ended() for worker in workers] == [0, 0]
        assert (len(shop.branches()), len(shop.forge.pulls)) == (1, 1)
        assert shop.forge.asked.count("POST /api/v3/repos/team/shop/pulls") == 1

    def test_a_failure_that_may_pass_is_tried_again_and_the_push_is_not(self, shop: Shop) -> None:
        assert shop.run(retry="{max_attempts: 2, backoff: [1ms]}").code == 8
        shop.forge.next("POST", refuse(503))
        told = shop.nofx("approve", "pr")
        assert told.code == 0, told
        assert len(shop.forge.pulls) == 1
        assert [kind for kind in shop.nofx.types() if kind.startswith("effect.")] == [
            "effect.intended pr",
            "effect.done pr",
            "effect.intended pr",
            "effect.intended pr",
            "effect.done pr",
        ]


class TestTokens:
    @pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="arguments are read from /proc")
    def test_the_token_is_in_no_argument_no_file_and_no_output(self, shop: Shop) -> None:
        seen: list[bytes] = []

        def look() -> None:
            seen.extend(_commands())

        plan = shop.plan(remote=shop.forge.git, repository=None)
        shop.forge.next("POST", look, look, path="git-receive-pack")
        told = [shop.nofx("run", plan), shop.nofx("approve", "pr"), shop.nofx("show", "--json"), shop.nofx("timeline")]
        assert [one.code for one in told] == [8, 0, 0, 0], told
        assert shop.forge.pushes
        assert len(shop.forge.pulls) == 1
        assert any(b"push" in command for command in seen)
        texts = [*seen, *(f"{one.out}{one.err}".encode() for one in told)]
        texts += [path.read_bytes() for path in _files(shop.nofx.store, shop.nofx.folder, shop.bare)]
        assert texts
        for form in (TOKEN, _basic(TOKEN)):
            assert not [text for text in texts if form.encode() in text]


def _basic(token: str) -> str:
    return b64encode(f"x-access-token:{token}".encode()).decode()


def _commands() -> Iterator[bytes]:
    """The arguments of all processes."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            yield place.read_bytes()


def _files(*folders: Path) -> Iterator[Path]:
    return (path for folder in folders for path in folder.rglob("*") if path.is_file())
