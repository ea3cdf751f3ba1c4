"""git reaches what it is told to, and nothing else."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.safety import process_table
from nofx_cli.safety.git_command import Git, Reach
from nofx_cli.testing.waiting import wait_until
from tests.unit.workspace.repository import git, make


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make(tmp_path / "remote", {"a.txt": "a\n"})


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return make(tmp_path / "here", {"b.txt": "b\n"})


def test_nothing_is_reached_without_being_told_how(here: Path, remote: Path) -> None:
    assert Git(here).ask("ls-remote", str(remote)) is None
    assert "refs/heads/trunk" in str(Git(here, reach=Reach("file")).ask("ls-remote", str(remote)))


def test_only_by_the_protocol_that_is_told(here: Path, remote: Path) -> None:
    code, _, said = Git(here, reach=Reach("https")).attempt("ls-remote", str(remote))
    assert code
    assert "'file' not allowed" in said


def test_settings_are_in_no_argument_and_go_before_those_of_the_repository(here: Path) -> None:
    git(here, "config", "nofx.word", "of the repository")
    reach = Reach("file", [("nofx.word", "secret"), ("nofx.other", "more")])
    assert Git(here, reach=reach).ask("config", "--get", "nofx.word") == "secret\n"
    assert "secret" not in repr(reach)


def test_settings_of_whoever_started_nofx_stay(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"COUNT": "1", "KEY_0": "user.name", "VALUE_0": "Ada"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    asked = Git(here, reach=Reach("file", [("nofx.word", "x")]))
    assert [asked.ask("config", "--get", name) for name in ("user.name", "nofx.word")] == ["Ada\n", "x\n"]


def test_a_command_that_is_to_stop_is_ended_with_all_that_it_started(here: Path, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    pid = tmp_path / "pid"
    git(here, "config", "alias.wait", f"!echo $$ > {pid}.new && mv {pid}.new {pid} && exec sleep 600")

    def check() -> None:
        if pid.exists():
            raise Stopped

    with pytest.raises(Stopped):
        Git(here, reach=Reach("file", check=check)).attempt("wait")
    wait_until(lambda: _is_gone(int(pid.read_text())), timeout=30, why="its end")


def test_a_command_that_takes_too_long(here: Path) -> None:
    git(here, "config", "alias.wait", "!exec sleep 600")
    with pytest.raises(errors.Unavailable, match="did not end within"):
        Git(here, reach=Reach("file")).attempt("wait", seconds=0.1)


def test_what_is_given_to_read_arrives_whole_also_where_it_is_read_late(here: Path) -> None:
    git(here, "config", "alias.late", "!sleep 0.2; wc -c")
    asked = Git(here, reach=Reach("file"))
    assert asked.do("late", stdin=b"x" * 3_000_000).strip() == b"3000000"


def _is_gone(pid: int) -> bool:
    """Whether it has ended; that it is not collected yet is its parent's affair."""
    found = process_table.look_up(pid)
    return found is None or found.state == "Z"
