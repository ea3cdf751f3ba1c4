"""The files around the code: a fresh machine must be able to follow them."""

import re
import subprocess
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def pinned() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {name_of(line): line for line in lines}


def test_constraints_are_names_and_versions_and_nothing_else() -> None:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line) for line in lines)
    assert lines == sorted(lines, key=str.lower)


def test_everything_that_is_declared_is_pinned() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    declared = [*PROJECT["project"]["dependencies"], *(line for lines in extras.values() for line in lines)]
    assert {name_of(line) for line in declared} - {"nofx-cli"} <= set(pinned())


def test_no_registry_is_named() -> None:
    for name in ("Makefile", "constraints.txt", "pyproject.toml", ".ci/run"):
        text = (REPOSITORY / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|--index-url|--extra-index|--trusted-host", text), name


def test_the_readme_asks_for_nothing_but_two_commands() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert "\nmake demo\n" in readme
    assert "\nmake test\n" in readme


def test_ci_runs_the_tests_and_every_check_and_fails_with_them(tmp_path: Path) -> None:
    """With a `make` that only says what it was asked for, and fails where it is told to."""
    fake = tmp_path / "bin" / "make"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "make $*"\n[ "$1" != "$FAILING" ]\n')
    fake.chmod(0o755)
    outcomes = {}
    for failing in ("nothing", "test", "check"):
        environment = {"PATH": f"{fake.parent}:/usr/bin:/bin", "FAILING": failing}
        command = [REPOSITORY / ".ci" / "run"]
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        outcomes[failing] = (done.returncode != 0, done.stdout.split("\n")[:-1])
    assert outcomes == {
        "nothing": (False, ["make postgres", "make test", "make check", "make postgres-stop"]),
        "test": (True, ["make postgres", "make test", "make postgres-stop"]),
        "check": (True, ["make postgres", "make test", "make check", "make postgres-stop"]),
    }


def test_the_store_and_what_tools_leave_stay_out_of_git() -> None:
    ignored = [".venv/x", ".venv-latest/x", "local_data/runs", "nofx_cli/__pycache__/x.pyc", ".hypothesis/x", "dist/x"]
    command = ["git", "-C", str(REPOSITORY), "check-ignore", "--no-index", *ignored]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.stdout.split() == ignored
