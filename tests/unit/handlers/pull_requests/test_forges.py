"""What a forge refuses, loses or had before: a clear error each time, and never a second pull request."""

from typing import Any

import pytest

from nofx_cli import errors
from nofx_cli.domain.effects import Done, Intent, NotDone
from nofx_cli.domain.evidence import Evidence, GateFact
from nofx_cli.domain.ids import RunId, StepName
from nofx_cli.handlers.pull_requests.handler import HANDLER, PUSH, REQUEST
from nofx_cli.testing import FakeContext
from tests.forge_server import DO_AND_DROP, refuse
from tests.unit.handlers.pull_requests.scene import BRANCH, TOKEN, Scene
from tests.unit.workspace.repository import git, put
from tests.webhook_server import DROP

FORGES = pytest.mark.parametrize("kind", ["github", "gitlab"])
MARK = "<!-- nofx:pull-request"


def at(scene: Scene, kind: str) -> dict[str, Any]:
    return {"forge": kind, "api_url": getattr(scene.forge, kind)}


@FORGES
class TestOpening:
    def test_it_has_all_that_was_asked_for(self, scene: Scene, kind: str) -> None:
        told = scene.opened(**at(scene, kind), body="All of them.", draft=True, labels=["docs"], reviewers=["ada"])
        [pull] = scene.forge.pulls
        assert (pull["head"], pull["base"]) == (BRANCH, "trunk")
        assert pull["title"] == ("Notes" if kind == "github" else "Draft: Notes")
        assert pull["draft"] is (kind == "github")
        assert pull["labels"] == ["docs"]
        assert pull["reviewers"] == (["ada"] if kind == "github" else [7])
        assert pull["body"].startswith("All of them.")
        assert told["number"] == 1
        assert "shop" in str(told["url"])

    def test_one_that_is_open_is_taken(self, scene: Scene, kind: str) -> None:
        scene.opened(**at(scene, kind))
        told = scene.opened(**at(scene, kind))
        assert (told["number"], told["adopted"], len(scene.forge.pulls)) == (1, True, 1)

    def test_the_words_of_a_person_who_opened_it_are_left_alone(self, scene: Scene, kind: str) -> None:
        scene.opened(**at(scene, kind))
        scene.forge.pulls[0].update(title="By hand", body="Look at this.")
        assert scene.opened(**at(scene, kind))["adopted"] is True
        assert (scene.forge.pulls[0]["title"], scene.forge.pulls[0]["body"]) == ("By hand", "Look at this.")

    def test_one_that_came_up_in_between_is_taken(self, scene: Scene, kind: str) -> None:
        scene.forge.next("POST", lambda: scene.forge.pulls.append(theirs()))
        told = scene.opened(**at(scene, kind))
        assert (told["adopted"], len(scene.forge.pulls)) == (True, 1)

    def test_the_answer_is_lost(self, scene: Scene, kind: str) -> None:
        scene.forge.next("POST", DO_AND_DROP)
        told = scene.opened(**at(scene, kind))
        assert (told["number"], told["adopted"], len(scene.forge.pulls)) == (1, False, 1)

    def test_the_request_is_lost(self, scene: Scene, kind: str) -> None:
        scene.forge.next("POST", DROP)
        failed = scene.failed(**at(scene, kind))
        assert (failed.error.code, failed.retryable) == ("http-connection-lost", True)
        assert scene.opened(**at(scene, kind))["number"] == 1


def test_a_refusal_comes_through(scene: Scene) -> None:
    scene.forge.next("POST", refuse(422, "no such label"))
    failed = scene.failed()
    assert (failed.error.code, failed.retryable, scene.forge.pulls) == ("forge-refused", False, [])
    scene.forge.next("POST", refuse(503, "busy"))
    assert scene.failed().retryable


def test_reviewers_that_are_refused_are_told_with_the_pull_request_that_is_open(scene: Scene) -> None:
    scene.forge.next("POST", refuse(422, "not a collaborator"), path="requested_reviewers")
    failed = scene.failed(reviewers=["eve"])
    assert failed.error.code == "forge-refused"
    assert failed.error.message.startswith("https://forge.example/team/shop/pull/1 is open, but not with all of")
    assert failed.outputs["number"] == 1
    assert scene.failed(forge="gitlab", api_url=scene.forge.gitlab, reviewers=["eve"]).error.code == "forge-refused"


class TestTargets:
    @pytest.mark.parametrize(
        ("inputs", "code", "hint"),
        [
            ({"remote": "upstream"}, "remote-not-found", "its remotes are: origin"),
            ({"remote": "/nowhere"}, "remote-not-found", "mend `remote`"),
            ({"forge": None}, "forge-unknown", "write `forge: github`"),
            ({"api_url": None}, "api-url-missing", "https://git.example.org/api/v3"),
            ({"api_url": "http://git.example.org/api/v3"}, "api-url-insecure", "https://"),
            ({"repository": None}, "repository-unknown", "write `repository: owner/name`"),
            ({"token": "OTHER"}, "token-missing", "declare OTHER below `secrets:`"),
            ({"base": "main"}, "base-not-found", "write a branch that the remote has"),
            ({"repository": "team/other"}, "forge-not-found", "mend `repository`"),
            ({"files": [{"path": "a.txt", "content": "a\n"}]}, "nothing-to-commit", "write `if_empty: skip`"),
            ({"body": f"the token is {TOKEN}"}, "secret-in-pull-request", "take it out"),
            ({"body_template": "none.md"}, "body-template-unreadable", "name a text file"),
        ],
    )
    def test_what_is_wrong_is_told(self, scene: Scene, inputs: dict[str, Any], code: str, hint: str) -> None:
        error = scene.failed(**inputs).error
        assert error.code == code
        assert hint in error.hint

    def test_an_empty_remote(self, scene: Scene) -> None:
        scene.remote("update-ref", "-d", "refs/heads/trunk")
        assert scene.failed().error.code == "base-not-found"

    def test_a_step_without_a_token(self, scene: Scene) -> None:
        ctx = scene.context()
        ctx.secrets = {}
        assert "step pr has no secret GITHUB_TOKEN; those of its scopes are: none" in repr(HANDLER.run(ctx))

    def test_a_protected_branch_and_a_hook(self, scene: Scene) -> None:
        hook = scene.bare / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho 'GH006: Protected branch update failed.' >&2\nexit 1\n")
        hook.chmod(0o755)
        error = scene.failed().error
        assert error.code == "push-protected"
        assert "GH006: Protected branch update failed." in error.message
        hook.write_text("#!/bin/sh\necho 'no ticket is named' >&2\nexit 1\n")
        assert scene.failed().error.code == "push-refused"

    def test_policy_is_asked_for_each_host(self, scene: Scene) -> None:
        ctx = scene.context(remote=scene.forge.git)
        HANDLER.run(ctx)
        assert {asked for asked in ctx.asked if asked[0] == "host"} == {
            ("host", scene.forge.git),
            ("host", scene.forge.github),
        }

    def test_the_token_goes_to_no_remote_that_only_the_checkout_names(self, scene: Scene) -> None:
        git(scene.workspace, "remote", "set-url", "origin", scene.forge.git.replace("127.0.0.1", "localhost"))
        failed = scene.failed()
        assert failed.error.code == "remote-denied"
        assert "A token goes only to hosts that the plan names: write `remote: http://localhost:" in failed.error.hint
        assert not [one for one in scene.forge.received if "authorization" in one.headers]

    def test_without_a_forge_there_is_a_branch_alone(self, scene: Scene) -> None:
        ctx = scene.context(forge="none", api_url=None, repository=None)
        ctx.secrets = {}
        assert "'url': ''" in repr(HANDLER.run(ctx))
        assert scene.changed() == ["A notes.md"]
        assert scene.forge.asked == []

    def test_nothing_to_commit_may_be_passed_over(self, scene: Scene) -> None:
        nothing: dict[str, Any] = {"files": [{"path": "a.txt", "content": "a\n"}], "if_empty": "skip"}
        assert scene.opened(**nothing)["changed"] is False
        assert HANDLER.asks_with(scene.context(**nothing)) is False
        assert HANDLER.asks_with(scene.context(if_empty="skip")) is True
        assert scene.remote("branch", "--list", "nofx*") == ""

    def test_a_step_that_is_to_stop_stops(self, scene: Scene) -> None:
        ctx = scene.context()
        ctx.on_intended = lambda intent: setattr(ctx, "stop", "cancelled")
        with pytest.raises(Exception, match="cancelled"):
            HANDLER.run(ctx)
        assert scene.remote("branch", "--list", "nofx*") == ""


class TestGoingOn:
    def made(self, scene: Scene, **made: Any) -> FakeContext:
        """The next attempt, with what an earlier one has on record as made."""
        ctx = scene.context()
        names = {"push": (PUSH, f"{scene.bare} {BRANCH}"), "request": (REQUEST, self.request(scene))}
        ctx.made = {names[name]: result for name, result in made.items()}
        return ctx

    def request(self, scene: Scene) -> str:
        return f"{scene.forge.github} team/shop {BRANCH}"

    def test_a_push_on_record_is_not_made_again_whatever_became_of_the_files(self, scene: Scene) -> None:
        pushed = {"branch": BRANCH, "commit": "c" * 40, "base": "trunk", "tree": "t" * 40}
        ctx = self.made(scene, push=pushed)
        outcome = HANDLER.run(ctx)
        assert "Succeeded" in repr(outcome)
        assert [effect.intent.kind for effect in ctx.effects] == [REQUEST]
        assert scene.remote("branch", "--list", "nofx*") == ""
        assert len(scene.forge.pulls) == 1

    def test_a_pull_request_on_record_is_not_opened_again(self, scene: Scene) -> None:
        pushed = {"branch": BRANCH, "commit": "c" * 40, "base": "trunk", "tree": "t" * 40}
        ctx = self.made(scene, push=pushed, request={"number": 9, "url": "u", "adopted": False})
        assert "'number': 9" in repr(HANDLER.run(ctx))
        assert scene.forge.asked == []

    @FORGES
    def test_what_was_made_is_found(self, scene: Scene, kind: str) -> None:
        ctx = scene.context(**at(scene, kind))
        HANDLER.run(ctx)
        push, request = (effect.intent for effect in ctx.effects)
        scene.put(a_txt="changed since\n")
        found = HANDLER.reconcile(scene.context(**at(scene, kind)), push)
        assert found == Done(ctx.effects[0].result or {})
        scene.forge.pulls[0]["open"] = False
        again = scene.context(**at(scene, kind))
        again.made = {(PUSH, push.target): ctx.effects[0].result or {}}
        assert HANDLER.reconcile(again, request) == Done(ctx.effects[1].result or {})

    def test_what_was_not_made_is_not(self, scene: Scene) -> None:
        push = Intent(PUSH, f"{scene.bare} {BRANCH}", "d")
        assert HANDLER.reconcile(scene.context(), push) == NotDone()
        scene.remote("branch", BRANCH, "trunk")
        assert HANDLER.reconcile(scene.context(), push) == NotDone()
        scene.forge.pulls.append(theirs())
        pushed = {"branch": BRANCH, "commit": "c", "base": "trunk", "tree": "t"}
        assert HANDLER.reconcile(self.made(scene, push=pushed), Intent(REQUEST, self.request(scene), "d")) == NotDone()

    def test_the_pull_request_of_another_run_is_not_this_ones(self, scene: Scene) -> None:
        scene.opened(run=RunId("20260103-120000-cccccc"), branch="weekly")
        ctx = scene.context(branch="weekly", base="trunk")
        assert HANDLER.reconcile(ctx, Intent(REQUEST, "x", "d")) == NotDone()

    def test_a_forge_that_cannot_be_asked_is_no_answer(self, scene: Scene) -> None:
        scene.forge.next("GET", refuse(503))
        with pytest.raises(errors.Unavailable):
            HANDLER.reconcile(scene.context(base="trunk"), Intent(REQUEST, "x", "d"))


class TestBodies:
    def evidence(self) -> Evidence:
        counts = {"tests": 40, "failed": 0}
        gates = (
            GateFact(StepName("unit"), "gate:unit", "passed", "40 tests: 40 passed", counts),
            GateFact(StepName("own"), "gate:own", "timed_out", "did | not\nend", {}),
        )
        return Evidence(gates, calls=3, unknown_calls=1, head="12:abc")

    def test_by_default(self, scene: Scene) -> None:
        ctx = scene.context(body="Costs $5.")
        ctx.speaks_for_it = self.evidence()
        HANDLER.run(ctx)
        body = scene.forge.pulls[0]["body"]
        assert body.startswith("Costs $5.\n\n| step | gate | verdict | what it counted |\n")
        assert (
            "| unit | gate:unit | passed | tests: 40, failed: 0 |\n| own | gate:own | timed out | did not end |" in body
        )
        assert "Cost: $0.00 for 3 calls to models; of 1 call it is not known." in body
        assert "`nofx verify 20260101-120000-aaaaaa --expect-head 12:abc`" in body
        assert body.endswith(f"{MARK} {ctx.idempotency_key} -->\n")

    def test_by_a_template_of_the_project(self, scene: Scene) -> None:
        put(scene.workspace, {".github/pr.md": "# ${body}\n\n$gates\n\nfrom ${run}, $5, ${unknown}\n"})
        ctx = scene.context(body="All", body_template=".github/pr.md")
        HANDLER.run(ctx)
        body = scene.forge.pulls[0]["body"]
        assert body == f"# All\n\nfrom {ctx.run_id}, $5, ${{unknown}}\n\n{MARK} {ctx.idempotency_key} -->\n"


def theirs() -> dict[str, Any]:
    """A pull request that a person opened for the branch."""
    told = {"number": 1, "head": BRANCH, "base": "trunk", "title": "By hand", "body": "Look.", "draft": False}
    return {**told, "open": True, "labels": [], "reviewers": []}
