"""Run child processes so that none outlives its step: the implementation of `ports.processes.ProcessRunner`.

What ends a process and all that it started, and what does it:

- its own end, its time limit, a request to stop: `supervision`, with `children` for what left its group;
- the death of nofx, also by `kill -9`: `guardian`, at once, for the groups; `leftovers`, when the run is taken up
  again, for everything.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nofx_cli.clock import Clock
from nofx_cli.ports.processes import Cancellation, ProcessResult, ProcessSpec
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.pipes import Wake

if TYPE_CHECKING:
    from nofx_cli.safety.sandbox import FindMeans
    from nofx_cli.safety.sandbox_launch import Launch


class LocalProcesses:
    """Child processes on this machine. Several threads may run one each at a time."""

    def __init__(self, mask: Masker, clock: Clock, *, find_means: "FindMeans | None" = None) -> None:
        """`find_means` tells how processes can be shut in here; by default `sandbox.find_means`."""
        self._mask, self._clock, self._find_means = mask, clock, find_means
        self._told_of_no_sandbox: set[Path] = set()
        self._idle_wakes: list[Wake] = []
        _hear_of_children()

    def run(
        self, spec: ProcessSpec, cancellation: Cancellation, *, on_line: Callable[[str], None] | None = None
    ) -> ProcessResult:
        """Run to the end, as `ProcessRunner.run`. A request to stop that is there already lets nothing start.

        Raises:
            errors.InvalidInput: no program, or arguments that the system cannot take (codes `program-missing`,
                `program-arguments`, `arguments-too-long`).
            errors.NotFound: codes `program-not-found`, `cwd-not-found`.
            errors.Denied: code `program-not-executable`, and those of a sandbox that cannot be had.
            errors.StoreFailure: log or record cannot be written, or there is no room for a process (codes
                `log-not-written`, `record-not-written`, `process-not-started`).
        """
        from nofx_cli.safety.output import Output
        from nofx_cli.safety.start import find_program
        from nofx_cli.safety.supervision import Supervision

        begun_ms = self._clock.monotonic_ms()
        program = find_program(spec.argv, spec.cwd, spec.env)
        if cancellation.reason:
            return _result(None, cancellation.reason)
        launch = self._launch(spec, program) if spec.sandbox else None
        wake = self._take_wake()
        unsubscribe = cancellation.subscribe(wake.wake)
        try:
            with Output(spec, self._mask, on_line) as output:
                supervision = Supervision(spec, output, cancellation, wake, launch)
                supervision.run(program)
        finally:
            unsubscribe()
            self._idle_wakes.append(wake)
        return _result(
            supervision.exit_code,
            supervision.stopped,
            stdout=output.stdout,
            last_line=output.last_line,
            log_bytes=output.log_bytes,
            cut_bytes=output.cut_bytes,
            survivors=supervision.survivors,
            duration_ms=round(self._clock.monotonic_ms() - begun_ms),
        )

    def _launch(self, spec: ProcessSpec, program: str) -> "Launch | None":
        """How it is shut in; None where it may run without a sandbox and must, which the step's log then says once."""
        from nofx_cli.safety.sandbox import Unavailable, find_means
        from nofx_cli.safety.sandbox_launch import Launch
        from nofx_cli.safety.sandbox_layout import opened_in_workspace

        assert spec.sandbox is not None
        means = (self._find_means or find_means)()
        if not isinstance(means, Unavailable):
            return Launch(spec, spec.sandbox, program, means)
        if not spec.sandbox.optional:
            raise means.denied(spec.sandbox)
        # The step finds the same folders, and meets the same faults of its plan.
        opened_in_workspace(spec, spec.sandbox)
        if spec.log not in self._told_of_no_sandbox:
            self._told_of_no_sandbox.add(spec.log)
            _tell(spec.log, f"nofx: ran without a sandbox, which is optional: {means.why}")
        return None

    def _take_wake(self) -> Wake:
        try:
            return self._idle_wakes.pop()
        except IndexError:
            return Wake()

    def end_recorded(self, records: Sequence[Path], marks: Mapping[str, str]) -> int:
        """End what dead processes of nofx left running, as `ProcessRunner.end_recorded`."""
        from nofx_cli.safety.leftovers import end_leftovers

        return end_leftovers(records, marks)


def _tell(log: Path, text: str) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a", encoding="utf-8") as file:
        file.write(text + "\n")


def _hear_of_children() -> None:
    """Who started us may have left SIGCHLD ignored; then the kernel would throw exit codes away."""
    import signal
    import threading

    if signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def _result(
    code: int | None,
    stopped: str,
    *,
    stdout: str = "",
    last_line: str = "",
    log_bytes: int = 0,
    cut_bytes: int = 0,
    survivors: int = 0,
    duration_ms: int = 0,
) -> ProcessResult:
    ended_by = _signal_name(-code) if code is not None and code < 0 else ""
    return ProcessResult(
        exit_code=None if ended_by else code,
        signal=ended_by,
        stopped=stopped,
        stdout=stdout,
        last_line=last_line,
        log_bytes=log_bytes,
        cut_bytes=cut_bytes,
        survivors=survivors,
        duration_ms=duration_ms,
    )


def _signal_name(number: int) -> str:
    import signal

    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
