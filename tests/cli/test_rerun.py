"""`nofx rerun`: a new run from the plan and the parameters of an old one."""

from nofx_cli.domain import events as ev
from tests.cli.runner import ECHO, Runner

PLAN = """\
params: {since: {required: true}}
steps: [{name: build, tool: 'test:echo', inputs: {since: "{{ params.since }}"}}]
"""


def test_plan_and_parameters_are_those_of_the_old_run_also_when_the_file_has_changed(nofx: Runner) -> None:
    old = nofx.run(PLAN, "-p", "since=v1")
    nofx.plan("steps: [{name: other, tool: 'test:echo'}]\n")
    result = nofx("rerun")
    new = nofx.runs()[0]
    assert result.stderr.splitlines()[0] == f"run {new} repeats {old}"
    assert new != old
    created = nofx.events()[0].payload
    assert isinstance(created, ev.RunCreated)
    assert (created.params, created.origin) == ({"since": "v1"}, {"kind": "rerun", "run": old})
    assert nofx.records.store.plan_text(new) == PLAN


def test_the_result_is_that_of_the_new_run(nofx: Runner) -> None:
    old = nofx.run(ECHO)
    told = nofx.json("rerun", old)
    assert (told["run"], told["status"]) == (nofx.runs()[0], "succeeded")


def test_a_run_with_a_key_is_repeated_without_it(nofx: Runner) -> None:
    nofx("run", nofx.plan(ECHO), "--idempotency-key", "k")
    nofx("rerun")
    assert len(nofx.runs()) == 2


def test_no_such_run(nofx: Runner) -> None:
    assert nofx.error("rerun", "zzz", code=4)["code"] == "run-not-found"
