"""Without a terminal there is never a prompt and never a hang: exit 8, and the command to type."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, TypeAlias

import pytest

from tests.acceptance.program import Program, pipe_without_end

pytestmark = [pytest.mark.acceptance, pytest.mark.cold]

Standing: TypeAlias = Callable[[], AbstractContextManager[int | IO[str]]]


@contextmanager
def _nothing() -> Iterator[int]:
    yield subprocess.DEVNULL


@pytest.mark.parametrize("stdin", [_nothing, pipe_without_end])
@pytest.mark.parametrize("words", [[], ["--quiet"], ["--json"]])
def test_a_run_that_needs_a_person_exits_8_and_says_what_to_type(
    nofx: Program, stdin: Standing, words: list[str]
) -> None:
    nofx.plan('  - {name: ask, tool: "manual:x"}\n')
    with stdin() as nobody:
        told = nofx("run", "plan.yaml", *words, stdin=nobody)
    assert told.code == 8, told
    command = f"nofx approve ask --run {nofx.runs()[0]}"
    assert command in told.out + told.err
    if "--json" in words:
        assert json.loads(told.out)["waiting"][0]["approve"] == command


def test_every_command_that_could_ask_does_not(nofx: Program) -> None:
    nofx.plan(
        '  - {name: ask, tool: "manual:x"}\n'
        "  - {name: reads, tool: shell, inputs: {command: 'cat; echo $NOFX_ATTEMPT'}}\n"
        '  - {name: last, tool: "manual:y"}\n'
    )
    with pipe_without_end() as nobody:
        assert nofx("run", "plan.yaml", stdin=nobody).code == 8
        assert nofx("resume", stdin=nobody).code == 8
        assert nofx("rerun", stdin=nobody).code == 8
        assert nofx("approve", "ask", stdin=nobody).code == 8, "it goes on to the next question"
        assert nofx("reject", "last", stdin=nobody).code == 0
        assert nofx("retry", stdin=nobody).code == 8
    assert nofx.log("reads") == "1\n"


def test_a_step_reads_nothing_even_where_nofx_could(nofx: Program) -> None:
    nofx.plan("  - {name: reads, tool: shell, inputs: {command: 'cat; read line || echo nothing'}}\n")
    with pipe_without_end() as nobody:
        assert nofx("run", "plan.yaml", stdin=nobody).code == 0
    assert nofx.log("reads") == "nothing\n"


def test_nothing_is_prompted_with_a_closed_standard_input(nofx: Program) -> None:
    nofx.plan('  - {name: ask, tool: "manual:x"}\n')
    command = f"exec {json.dumps(nofx.command[0])} -m nofx_cli run plan.yaml <&-"
    told = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert told.returncode == 8, told
    assert "nofx approve ask --run" in told.stderr
