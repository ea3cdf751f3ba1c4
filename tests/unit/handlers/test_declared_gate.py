"""`gate:<name>`: the command is the project's, the report must be of this execution, the verdict is its evidence."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.outcome import Failed, GateEvaluation, Succeeded
from nofx_cli.domain.plan import Severity
from nofx_cli.domain.project import GateSpec, Parser
from nofx_cli.handlers.gates.declared import declared_gate
from nofx_cli.handlers.gates.evidence import REPORT_LIMIT
from nofx_cli.handlers.gates.gate import GateHandler
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import FakeContext, ProcessCall, process_result

GOOD = '<testsuite tests="1"><testcase name="a"/></testsuite>'
BAD = '<testsuite tests="1" failures="1"><testcase name="a"><failure message="no"/></testcase></testsuite>'
CLEAN = b'{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan"}}, "results": []}]}'.decode()

Runs = Callable[[ProcessCall], ProcessResult]


def gate(command: str, parser: Parser = Parser.EXIT_CODE, **settings: object) -> GateHandler:
    spec = GateSpec("own", command=tuple(command.split()), parser=parser, source="nofx.yaml:3", **settings)  # type: ignore[arg-type]
    handler = declared_gate(spec)
    assert isinstance(handler, GateHandler)
    return handler


def writes(path: str, text: str, exit_code: int = 0) -> Runs:
    """A command that writes a report to `path`, or to its last word where that is empty."""

    def run(call: ProcessCall) -> ProcessResult:
        Path(call.cwd, path or call.argv[-1]).write_text(text)
        return process_result(exit_code)

    return run


def prints(text: str, exit_code: int = 0) -> Runs:
    return lambda _: process_result(exit_code, stdout=text)


def evaluate(folder: Path, handler: GateHandler, processes: Runs, inputs: JsonObject | None = None) -> GateEvaluation:
    ctx = FakeContext(folder, inputs or {}, tool="gate:own", processes=processes)
    outcome = handler.run(ctx)
    assert isinstance(outcome, Succeeded | Failed)
    assert outcome.gate is not None
    assert isinstance(outcome, Succeeded) is (outcome.gate.verdict == "passed")
    return outcome.gate


class TestCommand:
    def run(self, folder: Path, command: str, inputs: JsonObject, paths: tuple[str, ...] = ()) -> tuple[str, ...]:
        ctx = FakeContext(folder, inputs, processes=[process_result()])
        for name in ("src", "b"):
            (ctx.workspace / name).mkdir()
        assert isinstance(gate(command, paths=paths).run(ctx), Succeeded)
        return ctx.calls[0].argv

    def test_it_is_run_as_it_is_written(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "tool --x {y} {pathsy}", {}) == ("tool", "--x", "{y}", "{pathsy}")

    def test_paths_and_args_go_to_their_places(self, tmp_path: Path) -> None:
        argv = self.run(tmp_path, "tool {args} -- {paths}", {"paths": ["src", "b"], "args": ["-v", "-k"]})
        assert argv == ("tool", "-v", "-k", "--", "src", "b")

    def test_without_paths_all_is_examined(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "tool {paths}", {}) == ("tool", ".")

    def test_the_settings_have_paths_for_steps_that_say_none(self, tmp_path: Path) -> None:
        assert self.run(tmp_path, "tool {paths}", {}, paths=("src",)) == ("tool", "src")

    @pytest.mark.parametrize("inputs", [{"paths": ["src"]}, {"args": ["-v"]}])
    def test_what_the_command_has_no_place_for_is_not_dropped_in_silence(
        self, tmp_path: Path, inputs: JsonObject
    ) -> None:
        outcome = gate("tool").run(FakeContext(tmp_path, inputs))
        assert isinstance(outcome, Failed)
        (name,) = inputs
        assert outcome.error.message == f"gate own takes no `{name}`: its command has no place for them"
        assert outcome.error.hint == f"write {{{name}}} as a word of its `command` in nofx.yaml:3"
        assert (outcome.error.code, outcome.retryable) == ("gate-errored", False)

    def test_paths_that_are_not_there_are_an_error(self, tmp_path: Path) -> None:
        found = evaluate(tmp_path, gate("tool {paths}"), prints(""), {"paths": ["gone"]})
        assert (found.verdict, found.summary) == ("errored", "the workspace has no gone")

    def test_a_preview_shows_what_would_run(self, tmp_path: Path) -> None:
        handler = gate("tool --to={report} {paths}", Parser.JUNIT)
        assert handler.preview(FakeContext(tmp_path)) == {"argv": ("tool", "--to=<scratch>/report.xml", ".")}

    def test_a_command_that_only_lists_is_refused(self, tmp_path: Path) -> None:
        found = evaluate(tmp_path, gate("tsc --listFilesOnly", Parser.TSC), prints("a.ts\n"))
        assert (found.verdict, found.summary) == (
            "errored",
            "with --listFilesOnly the command of gate own checks nothing",
        )


class TestReport:
    def test_it_is_read_from_the_file_of_this_attempt(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, processes=writes("", GOOD))
        outcome = gate("tool --to {report}", Parser.JUNIT).run(ctx)
        assert isinstance(outcome, Succeeded)
        assert Path(ctx.calls[0].argv[-1]).is_relative_to(ctx.scratch)
        assert ctx.artifacts["report.xml"] == GOOD.encode()
        assert ctx.calls[0].capture_limit == 0

    def test_it_is_read_from_the_file_in_the_workspace(self, tmp_path: Path) -> None:
        found = evaluate(tmp_path, gate("tool", Parser.JUNIT, report="out.xml"), writes("out.xml", BAD, 1))
        assert (found.verdict, found.summary) == ("failed", "1 test: 1 failed: a")

    def test_it_is_what_is_printed_where_no_file_is_named(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, processes=prints(BAD, 1))
        outcome = gate("tool", Parser.JUNIT).run(ctx)
        assert isinstance(outcome, Failed)
        assert outcome.gate is not None
        assert outcome.gate.counts["failed"] == 1
        assert ctx.calls[0].capture_limit > REPORT_LIMIT

    def test_a_file_that_is_named_is_not_replaced_by_what_is_printed(self, tmp_path: Path) -> None:
        found = evaluate(tmp_path, gate("tool {report}", Parser.JUNIT), prints(GOOD))
        assert found.verdict == "errored"
        assert "(exit code 0: <testsuite" in found.summary
        assert "ended without writing its report" in found.summary

    def test_more_than_can_be_kept_is_no_evidence(self, tmp_path: Path) -> None:
        printed = prints("Success: no issues found in 1 source file\n" + "\n" * REPORT_LIMIT)
        found = evaluate(tmp_path, gate("tool", Parser.MYPY), printed)
        assert (found.verdict, found.summary) == ("errored", "own printed more than 64 MiB")

    def test_what_was_not_believed_is_kept(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, processes=prints("no xml"))
        assert isinstance(gate("tool", Parser.JUNIT).run(ctx), Failed)
        assert ctx.artifacts["report.xml"] == b"no xml"


class TestOldReport:
    """A report that lies in the workspace already never counts."""

    @pytest.fixture
    def old(self, tmp_path: Path) -> Path:
        report = FakeContext(tmp_path).workspace / "out.xml"
        report.write_text(GOOD)
        os.utime(report, ns=(10**18, 10**18))
        return report

    def run(self, folder: Path, processes: Runs, report: str = "out.xml") -> GateEvaluation:
        return evaluate(folder, gate("tool", Parser.JUNIT, report=report), processes)

    def test_that_was_not_written_anew(self, tmp_path: Path, old: Path) -> None:
        found = self.run(tmp_path, prints(""))
        assert (found.verdict, found.summary) == (
            "errored",
            "own (exit code 0) did not write its report: out.xml is an old one",
        )

    def test_that_was_put_there_as_a_copy_of_an_old_one(self, tmp_path: Path, old: Path) -> None:
        old.rename(old.with_name("kept.xml"))

        def restores(call: ProcessCall) -> ProcessResult:
            old.with_name("kept.xml").rename(old)
            return process_result()

        found = self.run(tmp_path, restores)
        assert (found.verdict, found.summary) == (
            "errored",
            "own (exit code 0) did not write its report: out.xml is older than the command",
        )

    def test_but_the_same_words_written_anew_do(self, tmp_path: Path, old: Path) -> None:
        assert self.run(tmp_path, writes("out.xml", GOOD)).verdict == "passed"

    def test_nor_one_behind_a_link(self, tmp_path: Path, old: Path) -> None:
        def links(call: ProcessCall) -> ProcessResult:
            (call.cwd / "new.xml").symlink_to(old)
            return process_result()

        assert self.run(tmp_path, links, "new.xml").verdict == "errored"

    def test_nor_one_outside_of_the_workspace(self, tmp_path: Path) -> None:
        def leads_out(call: ProcessCall) -> ProcessResult:
            (call.cwd / "out").symlink_to(tmp_path)
            (tmp_path / "new.xml").write_text(GOOD)
            return process_result()

        found = self.run(tmp_path, leads_out, "out/new.xml")
        assert (found.verdict, found.summary) == (
            "errored",
            "the report of own (exit code 0) lies outside of the workspace",
        )

    def test_nor_what_is_no_file(self, tmp_path: Path) -> None:
        def makes_a_pipe(call: ProcessCall) -> ProcessResult:
            os.mkfifo(call.cwd / "out.xml")
            return process_result()

        assert self.run(tmp_path, makes_a_pipe).verdict == "errored"


class TestSettings:
    def test_a_report_without_a_count_is_vacuous(self, tmp_path: Path) -> None:
        found = evaluate(tmp_path, gate("scan", Parser.SARIF), prints(CLEAN))
        assert found.verdict == "vacuous"

    def test_a_project_may_take_it_as_it_is(self, tmp_path: Path) -> None:
        found = evaluate(tmp_path, gate("scan", Parser.SARIF, min_examined=0), prints(CLEAN))
        assert (found.verdict, found.summary) == (
            "passed",
            "no findings, but scan does not say how many files it examined",
        )

    @pytest.mark.parametrize(
        ("parser", "printed"),
        [
            (Parser.JUNIT, "<testsuite/>"),
            (Parser.ESLINT_JSON, "[]"),
            (Parser.SARIF, CLEAN.replace('"results"', '"artifacts": [], "results"')),
        ],
    )
    def test_but_never_one_that_says_that_nothing_was_examined(
        self, tmp_path: Path, parser: Parser, printed: str
    ) -> None:
        assert evaluate(tmp_path, gate("scan", parser, min_examined=0), prints(printed)).verdict == "vacuous"

    @pytest.mark.parametrize(
        ("parser", "printed"), [(Parser.JUNIT, GOOD), (Parser.EXIT_CODE, ""), (Parser.SARIF, CLEAN)]
    )
    def test_fewer_than_the_least_are_vacuous(self, tmp_path: Path, parser: Parser, printed: str) -> None:
        assert evaluate(tmp_path, gate("tool", parser, min_examined=2), prints(printed)).verdict == "vacuous"

    def test_severity_and_time_limit_are_the_steps_defaults(self) -> None:
        handler = gate("tool", severity=Severity.WARNING, timeout_ms=5000)
        assert (handler.default_severity, handler.default_timeout_ms) == ("warning", 5000)

    def test_one_that_is_switched_off_runs_nothing(self, tmp_path: Path) -> None:
        ctx = FakeContext(tmp_path, processes=[])
        outcome = gate("tool", enabled=False).run(ctx)
        assert isinstance(outcome, Failed)
        assert outcome.gate is not None
        assert (outcome.gate.verdict, ctx.calls) == ("skipped", [])


class TestExitCode:
    @pytest.mark.parametrize(("exit_code", "verdict"), [(0, "passed"), (1, "failed"), (127, "errored")])
    def test_nothing_that_is_printed_counts(self, tmp_path: Path, exit_code: int, verdict: str) -> None:
        ctx = FakeContext(tmp_path, tool="gate:own", processes=prints("all is well", exit_code))
        outcome = gate("tool").run(ctx)
        assert isinstance(outcome, Succeeded | Failed)
        assert outcome.gate is not None
        assert outcome.gate.verdict == verdict
        assert ctx.calls[0].capture_limit == 0


def test_a_denial_by_policy_is_not_taken_for_a_broken_tool(tmp_path: Path) -> None:
    def denied(call: ProcessCall) -> ProcessResult:
        assert not call.of_nofx
        raise errors.PolicyDenied("the command is not allowed")

    with pytest.raises(errors.PolicyDenied):
        gate("curl x").run(FakeContext(tmp_path, processes=denied))


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (process_result(None, signal="SIGKILL"), "errored"),
        (process_result(None, stopped="timeout"), "timed_out"),
    ],
)
@pytest.mark.parametrize("parser", Parser)
def test_a_command_that_did_not_end_by_itself_is_no_evidence(
    tmp_path: Path, parser: Parser, result: ProcessResult, verdict: str
) -> None:
    assert evaluate(tmp_path, gate("tool", parser), lambda _: result).verdict == verdict
