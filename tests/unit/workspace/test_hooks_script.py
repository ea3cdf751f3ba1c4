"""The script of a hook: what is read of it is what it was made with, and any edit is seen."""

import os
import subprocess
from pathlib import Path

import pytest

from nofx_cli.workspace.hooks_script import HOOKS, HookScript, read_script

SCRIPTS = [
    HookScript("pre-commit", "quality", "/bin/nofx"),
    HookScript("pre-push", "plans/it's $(mine).yaml", "/with spaces/it's/nofx", "back/end", everywhere=True),
    HookScript("commit-msg", "é\n# x", made_folder=True),
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.hook)
def test_what_it_was_made_with_is_read_again(script: HookScript) -> None:
    read = read_script(script.text.encode())
    assert read is not None
    assert (read.script, read.edited) == (script, False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.hook)
def test_every_edit_is_seen(script: HookScript) -> None:
    lines = script.text.splitlines(keepends=True)
    for number in range(2, len(lines)):
        changed = "".join([*lines[:number], lines[number].replace("\n", " \n"), *lines[number + 1 :]])
        read = read_script(changed.encode())
        assert read is None or read.edited, lines[number]


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\necho hello\n", b"\xff\x00\x7fELF", b"#!/bin/sh\n# nofx hook\n"])
def test_what_others_wrote_is_not_ours(data: bytes) -> None:
    assert read_script(data) is None


def test_facts_that_cannot_be_read_are_an_edit() -> None:
    for facts in ("{}", '{"hook": }', '{"nothing": 1}'):
        read = read_script(f"#!/bin/sh\n# nofx hook, version 1, sum 000000000000\n# {facts}\nexit 0\n".encode())
        assert read is not None
        assert read.edited


def test_a_later_version_is_ours_too() -> None:
    text = SCRIPTS[0].text.replace("version 1,", "version 2,")
    read = read_script(text.encode())
    assert read is not None
    assert not read.edited


class TestInAShell:
    """The script itself, with a program that only says what it was given."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        program = tmp_path / "it's nofx"
        program.write_text('#!/bin/sh\nprintf "nofx"; printf " [%s]" "$@"; echo; cat; exit ${CODE:-0}\n')
        program.chmod(0o755)
        return tmp_path

    def run(self, place: Path, hook: str, *words: str, given: str = "", **env: str) -> tuple[int, str, str]:
        script = place / hook
        script.write_text(HookScript(hook, "my plan.yaml", str(place / "it's nofx")).text)
        script.chmod(0o755)
        done = subprocess.run(
            [script, *words], input=given, env={**os.environ, **env}, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout, done.stderr

    def keep(self, place: Path, hook: str, body: str, mode: int = 0o755) -> None:
        kept = place / f"{hook}.nofx-kept"
        kept.write_text(f"#!/bin/sh\n{body}\n")
        kept.chmod(mode)

    @pytest.mark.parametrize("hook", HOOKS)
    def test_words_input_and_exit_code_go_through(self, place: Path, hook: str) -> None:
        given = "one\ntwo\n" if hook == "pre-push" else ""
        told = f"nofx [hooks] [run] [{hook}] [--plan] [my plan.yaml] [--] [a b] [$c]\n{given}"
        assert self.run(place, hook, "a b", "$c", given=given) == (0, told, "")
        assert self.run(place, hook, CODE="8")[0] == 8

    def test_what_was_kept_goes_first_with_the_same_words_and_input(self, place: Path) -> None:
        self.keep(place, "pre-push", 'printf "kept"; printf " [%s]" "$@"; echo; cat; exit ${KEPT:-0}')
        code, out, _ = self.run(place, "pre-push", "a b", given="one\ntwo\n")
        assert (code, out.splitlines()[:3]) == (0, ["kept [a b]", "one", "two"])
        assert out.count("one\ntwo\n") == 2
        assert self.run(place, "pre-push", given="one\n", KEPT="7")[:2] == (7, "kept []\none\n")
        assert self.run(place, "pre-push", NOFX_HOOKS="off")[1] == "kept []\n"

    def test_what_git_would_not_run_is_not_run(self, place: Path) -> None:
        self.keep(place, "pre-commit", "exit 1", mode=0o644)
        assert self.run(place, "pre-commit")[0] == 0

    def test_a_program_that_is_gone_or_broken_refuses(self, place: Path) -> None:
        poor = {"PATH": "/usr/bin:/bin"}
        (place / "it's nofx").write_text("#!/nowhere/python\n")
        broken = self.run(place, "pre-commit", **poor)
        (place / "it's nofx").unlink()
        gone = self.run(place, "pre-commit", **poor)
        assert broken[0] == gone[0] == 1
        assert f"refused, because nofx is gone from {place}/it's nofx and not on PATH\n" in gone[2]
        assert gone[2] in broken[2]
        assert self.run(place, "pre-commit", NOFX_HOOKS="off", **poor)[0] == 0
