"""A store that is full, broken or read-only under the whole program: exit 69, a clear message, and nothing is lost."""

import json
import os
import resource
import subprocess
import sys

import pytest

from tests.acceptance.program import PATIENCE, Ended, Program, ended

pytestmark = pytest.mark.acceptance

CHAIN = "".join(
    f"  - {{name: s{n}, tool: shell, inputs: {{command: 'echo {n} >> done; printf out=%01500d 0 >> $NOFX_OUTPUT'}}}}\n"
    for n in range(5)
)
SICK = """\
import errno, os, sys
from nofx_cli.cli.app import main

call, code, name, *words = sys.argv[1:]
real = getattr(os, call)

def failing(file, *args, **kwargs):
    path = os.readlink(f"/proc/self/fd/{file}") if isinstance(file, int) else os.fspath(file)
    writes = call != "open" or args[0] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if name in path and writes:
        raise OSError(getattr(errno, code), os.strerror(getattr(errno, code)), path)
    return real(file, *args, **kwargs)

setattr(os, call, failing)
sys.argv = ["nofx", *words]
main()
"""


def _sick(nofx: Program, call: str, code: str, name: str, *words: str) -> Ended:
    """Run a command to which a call of the system fails for all paths that hold `name`."""
    argv = [sys.executable, "-c", SICK, call, code, name, *words]
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
        env=dict(os.environ),
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def _limit_files() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, hard))


def test_a_journal_that_cannot_grow_ends_the_run_and_resume_goes_on_where_it_was(nofx: Program) -> None:
    nofx.plan(CHAIN)
    told = ended(nofx.start("run", "plan.yaml", before=_limit_files, env={"PYTHONDONTWRITEBYTECODE": "1"}))
    assert told.code == 69, told
    assert "error[store-unwritable]: the journal of run" in told.err
    assert "what was committed before is kept" in told.err
    committed = [event.step for event in nofx.events() if event.type == "step.finished"]
    assert committed
    done = (nofx.folder / "done").read_text().splitlines()
    nofx.every_run_verifies()
    assert nofx("resume", "--rerun-interrupted").code == 0
    after = (nofx.folder / "done").read_text().splitlines()
    assert [n for n in after if after.count(n) > 1] == [done[-1]] * 2, "only what was not committed ran again"
    assert sorted(set(after)) == list("01234")


def test_what_runs_when_the_store_fails_is_ended(nofx: Program) -> None:
    nofx.plan(
        "  - {name: long, tool: shell, needs: [], inputs: {command: 'echo ready >> ready; sleep 60'}}\n"
        "  - {name: big, tool: shell, needs: [], inputs: {command: 'until [ -e ready ]; do sleep 0.02; done'}}\n"
    )
    told = _sick(nofx, "write", "EIO", "journal.jsonl", "run", "plan.yaml")
    assert told.code == 69, told
    assert not nofx.leftovers()


@pytest.mark.skipif(sys.platform != "linux", reason="looks up the names of open files in /proc")
@pytest.mark.parametrize(("code", "cause"), [("ENOSPC", "the disk is full"), ("EROFS", "read-only")])
def test_where_no_run_can_be_made_none_is_there(nofx: Program, code: str, cause: str) -> None:
    nofx.plan("  - {name: a, tool: 'test:echo'}\n")
    told = _sick(nofx, "mkdir", code, "runs", "run", "plan.yaml", "--json")
    assert told.code == 69, told
    assert cause in told.err
    assert json.loads(told.out)["exit_code"] == 69
    assert nofx.runs() == []
    assert nofx("run", "plan.yaml").code == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks up the names of open files in /proc")
def test_a_store_that_can_only_be_read_is_read_and_an_answer_is_refused(nofx: Program) -> None:
    nofx.plan('  - {name: ask, tool: "manual:x"}\n')
    assert nofx("run", "plan.yaml").code == 8
    store = str(nofx.store)
    for words in (["approve", "ask"], ["resume"], ["cancel"], ["run", "plan.yaml"]):
        told = _sick(nofx, "open", "EROFS", store, *words)
        assert told.code == 69, told
        assert "read-only" in told.err
    assert _sick(nofx, "open", "EROFS", store, "show").code == 0
    assert _sick(nofx, "open", "EROFS", store, "timeline").code == 0
    assert nofx.types()[-1] == "run.waiting"
    assert nofx("approve", "ask").code == 0


def test_what_is_shown_for_an_approval_and_cannot_be_kept_is_no_failure_of_the_step(nofx: Program) -> None:
    nofx.plan('  - {name: a, tool: "test:echo"}\n  - {name: ask, tool: "manual:x"}\n')
    told = _sick(nofx, "mkdir", "ENOSPC", "approvals", "run", "plan.yaml")
    assert told.code == 69, told
    assert "the disk is full" in told.err
    assert nofx("resume").code == 8
    assert nofx.types().count("step.started a") == 1
    assert nofx("approve", "ask").code == 0
