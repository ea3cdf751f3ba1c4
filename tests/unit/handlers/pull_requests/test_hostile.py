"""`git_pr` among people and programs that mean ill, or are clumsy."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.domain.effects import Done, NotDone
from nofx_cli.domain.ids import JsonObject
from nofx_cli.handlers.pull_requests import proposal as proposals
from nofx_cli.handlers.pull_requests import remote as remotes
from nofx_cli.handlers.pull_requests import repository
from nofx_cli.handlers.pull_requests.body import mark, marked_by, opened_body, told_body
from nofx_cli.handlers.pull_requests.handler import HANDLER
from nofx_cli.handlers.pull_requests.options import faults, read_options
from nofx_cli.ports.handler import RunTrees
from nofx_cli.safety.git_command import Git
from nofx_cli.testing import FakeContext
from tests.forge_server import REPOSITORY
from tests.unit.handlers.pull_requests.scene import BRANCH, RUN, TOKEN, Scene
from tests.unit.workspace.repository import git, put
from tests.webhook_server import HANG, Answer


def gitlab(scene: Scene) -> dict[str, Any]:
    return {"forge": "gitlab", "api_url": scene.forge.gitlab}


def settings_of_user(scene: Scene, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (scene.folder / "user.gitconfig").write_text(text)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(scene.folder / "user.gitconfig"))


class TestTheTokenStaysIn:
    def test_the_users_traces_do_not_get_it(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        trace = scene.folder / "trace"
        told = ", ".join(f"GIT_CONFIG_VALUE_{number}" for number in range(20))
        kinds = "".join(f"{kind} = {trace}\n" for kind in ("eventTarget", "normalTarget", "perfTarget"))
        settings_of_user(scene, monkeypatch, f"[trace2]\n{kinds}envVars = {told}\nconfigParams = *\n")
        monkeypatch.setenv("GIT_TRACE_CURL", str(trace))
        scene.opened(remote=scene.forge.git)
        assert "xtraheader" not in (trace.read_text().lower() if trace.exists() else "")

    def test_no_proxy_gets_what_is_for_this_machine(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        monkeypatch.delenv("no_proxy", raising=False)
        assert scene.opened(remote=scene.forge.git)["changed"] is True

    def test_what_the_plan_names_is_reached_whatever_the_user_puts_in_its_place(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        elsewhere = scene.folder / "elsewhere.git"
        origin = scene.forge.git.removesuffix(f"{REPOSITORY}.git")
        rules = f'[url "{elsewhere}/"]\ninsteadOf = {origin}\npushInsteadOf = {origin}\n'
        settings_of_user(scene, monkeypatch, rules)
        assert scene.opened(remote=scene.forge.git)["changed"] is True
        assert scene.forge.pushes == 1

    @pytest.mark.parametrize(
        "url",
        ["https://ada:pass-word@git.example.org/api/v3", "https://h.example/api?key=pass-word", "https://h .example"],
    )
    def test_an_address_of_an_api_that_holds_a_secret_is_not_shown(self, scene: Scene, url: str) -> None:
        error = scene.failed(api_url=url).error
        assert error.code == "api-url-invalid"
        assert "pass-word" not in repr(error)

    def test_a_name_of_a_repository_leads_nowhere_else(self, scene: Scene) -> None:
        git(scene.workspace, "config", "remote.origin.url", "https://github.com/../user/keys.git")
        assert scene.failed(repository=None).error.code == "repository-unknown"
        assert faults({"title": "a", "repository": "a/../../user"}) == [
            "`repository` must be written like `owner/name`"
        ]

    def test_a_template_that_holds_a_secret(self, scene: Scene) -> None:
        put(scene.workspace, {"pr.md": f"${{body}} {TOKEN}"})
        assert scene.failed(body_template="pr.md").error.code == "secret-in-pull-request"
        assert scene.failed(labels=[TOKEN]).error.code == "secret-in-pull-request"

    def test_a_remote_in_the_project_whose_hooks_a_step_may_have_written(self, scene: Scene) -> None:
        git(scene.folder, "clone", "-q", "--bare", str(scene.bare), str(scene.workspace / "own.git"))
        git(scene.workspace, "config", "remote.origin.url", "./own.git")
        failed = scene.failed()
        assert failed.error.code == "remote-invalid"
        assert f"remote: {scene.workspace / 'own.git'}" in failed.error.hint
        assert scene.opened(remote="./own.git", forge="none")["changed"] is True
        assert git(scene.workspace / "own.git", "rev-parse", BRANCH)


class TestOthersAtTheForge:
    @pytest.mark.parametrize("kind", ["github", "gitlab"])
    def test_a_pull_request_of_a_fork_is_none_of_ours(self, scene: Scene, kind: str) -> None:
        ctx = scene.context(branch="weekly")
        theirs = {"head": "weekly", "base": "trunk", "title": "Trust me", "body": mark(ctx), "draft": False}
        more = {"open": True, "labels": [], "reviewers": [], "of": "eve/shop"}
        scene.forge.pulls.append({"number": 1, **theirs, **more})
        inputs = gitlab(scene) if kind == "gitlab" else {}
        assert scene.opened(branch="weekly", labels=["docs"], **inputs)["number"] == 2
        assert scene.forge.pulls[0]["labels"] == []

    def test_all_pages_are_read(self, scene: Scene) -> None:
        scene.opened()
        [pull] = scene.forge.pulls
        first = Answer(200, b"[]", {"Link": '<https://elsewhere.example/?page=2>; rel="next"'})
        scene.forge.next("GET", first)
        assert scene.opened()["number"] == pull["number"]
        assert scene.forge.received[-1].path.endswith("&page=2")

    def test_an_error_with_status_200_is_no_list(self, scene: Scene) -> None:
        scene.forge.next("GET", Answer(200, b'{"message": "please log in"}'))
        failed = scene.failed()
        assert (failed.error.code, scene.forge.pulls) == ("forge-answer-odd", [])

    @pytest.mark.parametrize("answer", [Answer(201, b"{}"), Answer(201, b"<html>"), Answer(502, b"<html>")])
    def test_an_answer_that_is_none_is_looked_behind(self, scene: Scene, answer: Answer) -> None:
        def opened(ctx: FakeContext) -> Callable[[], None]:
            pull = {"number": 1, "head": BRANCH, "base": "trunk", "title": "Notes", "body": mark(ctx), "draft": False}
            return lambda: scene.forge.pulls.append({**pull, "open": True, "labels": [], "reviewers": []})

        ctx = scene.context()
        put_there = opened(ctx)
        scene.forge.next("POST", answer)
        ctx.log = lambda *_: None  # type: ignore[method-assign]
        forge_answers = scene.forge._answer

        def answered(received: Any) -> Any:
            if received.method == "POST" and received.path.endswith("/pulls"):
                put_there()
            return forge_answers(received)

        scene.forge._web.otherwise = answered
        assert "'number': 1" in repr(HANDLER.run(ctx))

    def test_reviewers_that_somebody_else_asked_stay(self, scene: Scene) -> None:
        scene.opened(**gitlab(scene))
        scene.forge.pulls[0]["reviewers"] = [3]
        scene.opened(**gitlab(scene), reviewers=["ada"])
        assert scene.forge.pulls[0]["reviewers"] == [3, 7]


class TestStepsThatAreRetried:
    def test_an_earlier_commit_of_the_step_is_not_what_was_meant_later(self, scene: Scene) -> None:
        first, second = scene.context(), scene.context(files=[{"path": "notes.md", "content": "better\n"}])
        HANDLER.run(first)
        seen: list[object] = []

        def cut_off(intent: Any) -> None:
            seen.append(HANDLER.reconcile(scene.context(), intent))
            raise KeyboardInterrupt

        second.on_intended = cut_off
        with pytest.raises(KeyboardInterrupt):
            HANDLER.run(second)
        assert seen == [NotDone()]
        assert isinstance(HANDLER.reconcile(scene.context(), first.effects[0].intent), Done)

    def test_its_pull_request_gets_the_new_words(self, scene: Scene) -> None:
        scene.opened()
        scene.opened(title="Better notes")
        [pull] = scene.forge.pulls
        assert pull["title"] == "Better notes"


class TestBodies:
    def test_a_mark_in_the_words_is_not_the_mark(self, scene: Scene) -> None:
        forged = "<!-- nofx:pull-request 20250101-000000-aaaaaa:pr:0123 -->"
        ctx = scene.context(body=f"See {forged}")
        sent = opened_body(ctx, read_options(ctx.inputs))
        assert forged not in sent
        assert marked_by(sent) == marked_by(f"{forged}\n{sent}") == ctx.idempotency_key

    def test_one_that_may_be_approved_may_be_sent(self, scene: Scene) -> None:
        beside = len(told_body(scene.context(), read_options(scene.context().inputs)))
        longest = scene.context(body="x" * (60_000 - beside - 2))
        told_body(longest, read_options(longest.inputs))
        assert 60_000 < len(opened_body(longest, read_options(longest.inputs))) < 65_536


class TestPaths:
    @pytest.mark.parametrize(
        ("files", "code"),
        [
            ([{"path": "docs", "content": "x"}], "path-in-use"),
            ([{"path": "a.txt/b", "content": "x"}], "path-in-use"),
            ([{"path": "d/e", "content": "x"}, {"path": "d", "content": "x"}], "path-in-use"),
            ([{"path": "x", "content": "1"}, {"path": "./x", "content": "2"}], "path-twice"),
        ],
    )
    def test_nothing_goes_that_is_not_listed(self, scene: Scene, files: list[JsonObject], code: str) -> None:
        assert scene.failed(files=files).error.code == code
        assert scene.remote("branch", "--list", "nofx*") == ""

    def test_odd_names_and_many_sources_each_have_their_own_content(self, scene: Scene) -> None:
        names = ['"quoted" \\ too', "-dash", ":(top)x", "*", "two  words", "ünï", "#hash"]
        for name in names:
            (scene.workspace / name).write_text(f"lies {name}\n")
        written = [{"path": f"w/{name}", "content": f"given {name}\n"} for name in names]
        scene.opened(files=[entry for pair in zip(names, written, strict=True) for entry in pair])
        assert scene.remote("ls-tree", "-r", "-z", "--name-only", BRANCH).count("\0") >= 2 * len(names)
        for name in names:
            assert scene.remote("cat-file", "-p", f"{BRANCH}:{name}") == f"lies {name}"
            assert scene.remote("cat-file", "-p", f"{BRANCH}:w/{name}") == f"given {name}"

    def test_names_in_other_encodings_and_with_line_breaks(self, scene: Scene) -> None:
        before = git(scene.workspace, "rev-parse", "HEAD^{tree}")
        for name in (b"n\xff.txt", b'n\nl"-'):
            Path(str(scene.workspace).encode().decode() + "/" + name.decode("utf-8", "surrogateescape")).write_text("x")
        env = {"GIT_INDEX_FILE": str(scene.folder / "index")}
        git(scene.workspace, "add", "-A", env=env)
        ctx = scene.context(files=None)
        ctx.run_trees = RunTrees(scene.workspace, before, git(scene.workspace, "write-tree", env=env))
        HANDLER.run(ctx)
        assert len(scene.changed()) == 2

    def test_git_is_not_started_for_each_file(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        files = [f"f{number}" for number in range(30)]
        for name in files:
            (scene.workspace / name).write_text(name)
        asked: list[object] = []
        run = Git._run

        def counted(self: Git, *words: Any, **more: Any) -> Any:
            asked.append(words)
            return run(self, *words, **more)

        monkeypatch.setattr(Git, "_run", counted)
        HANDLER.preview(scene.context(files=[*files, *({"path": f"w{name}", "content": name} for name in files)]))
        assert len(asked) < 40

    def test_what_would_be_overwritten_is_part_of_what_is_approved(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(proposals, "_MOST_SHOWN", 30)
        ctx = scene.context(files=[{"path": "a.txt", "content": "mine\n"}])
        before = HANDLER.preview(ctx)
        scene.goes_on("a.txt", "theirs\n")
        assert HANDLER.preview(ctx) != before

    @pytest.mark.parametrize("name", ["title", "body", "branch", "base", "remote", "author", "commit_message"])
    @pytest.mark.parametrize("sign", ["\0", "\x1b", "\ud800"])
    def test_control_characters(self, name: str, sign: str) -> None:
        told = faults({"title": "a", name: f"a{sign}b"})
        assert f"`{name}` holds a control character, or what is no character" in told

    def test_line_breaks_stand_where_texts_have_them(self) -> None:
        assert faults({"title": "a\n", "body": "a\r\n\tb", "commit_message": "a\n\nb", "base": "main\n"}) == []


class TestCheckouts:
    @pytest.mark.parametrize("goes_on", [False, True])
    def test_a_partial_clone(self, scene: Scene, goes_on: bool) -> None:
        git(scene.bare, "config", "uploadpack.allowFilter", "true")
        place = scene.folder / "partial"
        git(scene.folder, "clone", "-q", "--no-checkout", "--filter=blob:none", f"file://{scene.bare}", str(place))
        if goes_on:
            scene.goes_on("docs/c.txt", "1\n")
        ctx = scene.context(remote=str(scene.bare), files=[{"path": "docs/b.txt", "content": "x\n"}])
        ctx.workspace = place
        HANDLER.run(ctx)
        assert scene.changed() == ["M docs/b.txt"]

    def test_a_folder_with_a_colon_and_borrowed_objects(self, scene: Scene) -> None:
        place = scene.folder / 'a:b"c'
        git(scene.folder, "clone", "-q", "--shared", str(scene.bare), str(place))
        (place / "a.txt").write_text("other\n")
        ctx = scene.context(remote=str(scene.bare), files=["a.txt"])
        ctx.workspace = place
        HANDLER.run(ctx)
        assert scene.changed() == ["M a.txt"]

    def test_a_remote_by_a_relative_folder_lies_beside_the_checkout_wherever_nofx_was_started(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir("/")
        git(scene.workspace, "config", "remote.origin.url", "../../bare.git")
        assert scene.opened()["changed"] is True

    def test_a_server_that_says_nothing_is_given_up(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(remotes, "_SLOWEST", [("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", "1")])
        scene.forge._web.script.append(HANG)
        failed = scene.failed(remote=scene.forge.git)
        assert (failed.error.code, failed.retryable) == ("remote-unreachable", True)

    def test_a_look_that_does_not_end_is_given_up(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(repository, "_LOOK_SECONDS", 0.2)
        scene.forge._web.script.append(HANG)
        failed = scene.failed(remote=scene.forge.git)
        assert (failed.error.code, failed.retryable) == ("remote-unreachable", True)


def test_the_run_is_named_in_the_mark() -> None:
    assert marked_by(f"x <!-- nofx:pull-request {RUN}:pr:0123 -->") == f"{RUN}:pr:0123"
