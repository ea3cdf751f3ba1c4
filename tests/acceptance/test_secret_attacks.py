"""Attacks on secrets, through the program: ways in which one could get into the store, or onto the terminal."""

from pathlib import Path

import pytest

from nofx_cli.testing.waiting import wait_until
from tests.acceptance.program import Ended, Program
from tests.acceptance.workplace import GO, Workplace

pytestmark = pytest.mark.acceptance

CANARY = "Zq9-Vw3+Lm7=Xk2/Rt5.Bn8_Hs4~Pd6"
VALUE = "{{ env.MY_API_TOKEN }}"
TOLD = CANARY[:8]
"""As much of it as nobody may see."""


@pytest.fixture
def nofx_with_secret(nofx: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    monkeypatch.setenv("MY_API_TOKEN", CANARY)
    (nofx.folder / "nofx.yaml").write_text(
        "secrets: {vault: {TOKEN: {env: MY_API_TOKEN}}}\n"
        'policy: {env: {allow: [MY_API_TOKEN]}, commands: {deny: ["git push"]}}\n'
    )
    return nofx


def _found(nofx: Program, *told: Ended) -> list[str]:
    """Where the secret shows, or the beginning of it."""
    files = [path for path in nofx.store.rglob("*") if path.is_file()]
    found = [str(path) for path in files if TOLD.encode() in path.read_bytes()]
    return found + [text for each in told for text in (each.out, each.err) if TOLD in text]


@pytest.mark.parametrize("length", [*range(25, 65, 4), *range(140, 200, 7)])
def test_a_command_that_is_told_in_short_is_not_cut_in_the_middle_of_a_secret(
    nofx_with_secret: Program, length: int
) -> None:
    begin = "x" * length
    commands = f"[git, push, {begin}, '{VALUE}']", f"'git push {begin} {VALUE}'", f"'echo {begin}$TOKEN >$NOFX_OUTPUT'"
    steps = "".join(
        f"  - {{name: s{n}, tool: shell, needs: [], secrets_scope: vault, inputs: {{command: {command}}}}}\n"
        for n, command in enumerate(commands)
    )
    ended = nofx_with_secret("run", nofx_with_secret.plan(steps))

    assert ended.code == 6
    assert _found(nofx_with_secret, ended, nofx_with_secret("timeline", "latest")) == []


def test_a_secret_in_every_input_of_a_tool(nofx_with_secret: Program, tmp_path: Path) -> None:
    inputs = {
        "shell": [
            f"command: 'true', cwd: '{VALUE}'",
            f"command: 'true', shell: '{VALUE}'",
            f"command: ['{VALUE}']",
            f"command: ['/none/{VALUE}']",
            f"command: [env], env: {{TOKEN_OF_MINE: '{VALUE}'}}",
            f"command: 'echo {VALUE} >&2; exit 3'",
        ],
        "workspace:write": [f"path: '../{VALUE}', content: x", f"path: '{VALUE}', content: '{VALUE}'"],
        "test:fail": [f"message: '{VALUE}', code: '{VALUE}'"],
        "manual:go": [f"message: '{VALUE}'"],
        "gate:lint": [f"args: ['{VALUE}']", f"paths: ['{VALUE}']"],
    }
    steps = [f"{{tool: '{tool}', inputs: {{{one}}}" for tool, every in inputs.items() for one in every]
    plan = "".join(f"  - {step.replace('{', f'{{name: s{n}, needs: [], ', 1)}}}\n" for n, step in enumerate(steps))

    ended = nofx_with_secret("run", nofx_with_secret.plan(plan), "--no-wait")

    assert ended.code == 8, ended
    words = (("show", "latest"), ("timeline", "latest", "--json"), ("show", "latest", "--json"), ("logs", "latest"))
    told = [nofx_with_secret(*each) for each in words]
    assert _found(nofx_with_secret, ended, *told) == []
    dry = nofx_with_secret("run", "plan.yaml", "--dry-run")
    assert dry.code == 0
    assert _found(nofx_with_secret, dry) == []


def test_a_program_that_is_called_like_a_secret_is_on_record_without_it(nofx_with_secret: Program) -> None:
    """While it runs the store tells which process it is, and after a crash still."""
    (nofx_with_secret.folder / CANARY.partition("/")[0]).mkdir()
    program = nofx_with_secret.folder / CANARY
    program.write_text(f"#!/bin/sh\necho > ready\n{GO}\n")
    program.chmod(0o755)
    (nofx_with_secret.folder / "nofx.yaml").write_text("policy: {env: {allow: [MY_API_TOKEN]}}\n")
    plan = nofx_with_secret.plan(f"  - {{name: a, tool: shell, inputs: {{command: ['./{VALUE}']}}}}\n")
    run = nofx_with_secret.start("run", plan)
    nofx_with_secret.ready()

    wait_until(lambda: any(path.read_bytes().strip() for path in nofx_with_secret.store.rglob("process.json")))
    assert _found(nofx_with_secret) == []

    (nofx_with_secret.folder / "go").touch()
    assert run.wait() == 0


def test_a_short_secret_that_is_also_the_name_of_a_step_or_a_folder_breaks_nothing(
    work: Workplace, nofx: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "project")  # as the folder of the test
    monkeypatch.setenv("OTHER_PASSWORD", "postgres")
    steps = (
        "  - name: postgres\n    tool: shell\n"
        "    inputs: {command: 'echo it is project > $NOFX_ARTIFACTS/file; test ! -e fail'}\n"
        "  - {name: ask, tool: shell, approval: required, inputs: {command: 'true'}}\n"
        "  - {name: w, tool: 'workspace:write', inputs: {path: x, from_artifact: {step: postgres, name: file}}}\n"
    )
    run = work.leave(steps)
    assert nofx("worker", "--drain").code == 0
    assert nofx("approve", "ask").code == 0
    assert (nofx.folder / "x").read_text() == "it is ***\n"
    assert nofx("verify", run).code == 0

    (nofx.folder / "fail").touch()
    assert nofx("rerun", run).code == 1
    assert "step.skipped ask" in nofx.types()
    (nofx.folder / "fail").unlink()
    assert nofx("retry", "latest", "--from", "postgres").code == 8


def test_a_project_whose_folder_is_called_like_a_secret_has_no_runs(
    nofx: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_TOKEN", str(nofx.folder))
    ended = nofx("run", nofx.plan("  - {name: a, tool: shell, inputs: {command: 'true'}}\n"))
    assert ended.code == 3
    assert "secret-in-path" in ended.err
    assert nofx.runs() == []


@pytest.mark.parametrize("fault", ["inputs", "inputz"])
def test_looking_at_a_plan_that_holds_a_secret_does_not_tell_it(nofx_with_secret: Program, fault: str) -> None:
    plan = nofx_with_secret.plan(
        f"goal: for {CANARY}\nsteps:\n  - {{name: a, tool: shell, {fault}: {{command: 'curl {CANARY}'}}}}\n"
    )
    (nofx_with_secret.folder / "plans").mkdir()
    (nofx_with_secret.folder / "plans" / "x.yaml").write_text((nofx_with_secret.folder / plan).read_text())
    every = [["check", plan], ["show", plan], ["graph", plan], ["list"]]
    every += [[*words, "--json"] for words in every if words[0] != "graph"]

    told = [nofx_with_secret("plan", *words) for words in every]
    told += [nofx_with_secret("run", plan), nofx_with_secret("run", plan, "--dry-run")]
    told += [nofx_with_secret("policy", "explain", plan)]

    assert _found(nofx_with_secret, *told) == []
