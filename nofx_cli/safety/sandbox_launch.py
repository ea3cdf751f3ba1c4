"""The start of one process that is shut in: what is executed for it, and what its launcher answers.

States: started → the launcher shuts itself in → the program runs (told by a word, or by the end of the answer) →
ended, perhaps with a word on the signal. Where it does not come to the program, the launcher says what failed; where
it cannot even say that, `bwrap` has failed, and has said why on its standard error.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from nofx_cli import errors
from nofx_cli.domain.policy import Sandbox
from nofx_cli.domain.record import record
from nofx_cli.ports.processes import ProcessSpec
from nofx_cli.safety import sandbox_order as order
from nofx_cli.safety.children import marks_of
from nofx_cli.safety.pipes import new_pipe
from nofx_cli.safety.sandbox_layout import Kind, Layout, layout_of, make_record

PACKAGES = str(Path(__file__).resolve().parents[2])
_SCRIPT = "import sys; sys.path.append(sys.argv[1]); from nofx_cli.safety.sandbox_launcher import main; main()"
_ANSWER_BYTES = 4_096


class Means(Protocol):
    """A way to shut a process in. `name` is for people. `forks`: a parent that is not ours waits for the program."""

    name: str
    forks: bool

    def why_not(self) -> tuple[str, str]:
        """Why it does not work on this machine, and what mends that; two empty texts where it works."""
        ...

    def command(self, launcher: Sequence[str], layout: Layout, *, network: bool) -> list[str]:
        """What to execute so that the launcher runs where the places are mounted, or can mount them itself."""
        ...


@record
class Order:
    """What is started instead of the program. `files` are open in it; whoever has it closes them."""

    argv: list[str]
    env: dict[bytes, bytes]
    files: tuple[int, int]


class Launch:
    """One start. Not to be used twice."""

    def __init__(self, spec: ProcessSpec, sandbox: Sandbox, program: str, means: Means) -> None:
        """Work out the places.

        Raises:
            errors.NofxError: as `sandbox_layout.layout_of`; the program cannot be seen from inside (code
                `sandbox-hides-program`).
        """
        self._spec, self._sandbox, self._program, self._means = spec, sandbox, program, means
        make_record(spec.record)
        self._layout = layout_of(spec, sandbox, (sys.base_prefix, PACKAGES) if means.forks else ())
        self._refuse_hidden()
        self.answer_fd = -1
        self._heard = b""

    def order(self) -> Order:
        """Write down what the launcher is to do; it answers on `answer_fd`.

        Raises:
            ValueError: as `subprocess.Popen` of arguments and environment that no process can have.
        """
        data = order.encode(self._lists())
        self.close()
        self.answer_fd, theirs = new_pipe()
        paper = -1
        try:
            paper = os.memfd_create("nofx-sandbox")
            with os.fdopen(os.dup(paper), "wb") as file:
                file.write(data)
        except BaseException:
            os.close(theirs)
            if paper >= 0:
                os.close(paper)
            raise
        launcher = [*launcher_command(), str(paper), str(theirs)]
        command = self._means.command(launcher, self._layout, network=self._sandbox.network)
        marks = dict(mark.split(b"=", 1) for mark in marks_of(self._spec.env))
        return Order(command, marks, (paper, theirs))

    def hear(self, said: Callable[[], str]) -> int | None:
        """Take in what was answered.

        Args:
            said: the last line of what it wrote so far.

        Returns:
            None while the program may yet run; the number of the error where it could not be executed, and 0 where
            nothing more is to come.

        Raises:
            errors.Denied: it could not be shut in (code `sandbox-failed`).
        """
        while True:
            try:
                piece = os.read(self.answer_fd, _ANSWER_BYTES)
            except BlockingIOError:
                return self._read_answer()
            if not piece:
                if not self._heard and self._means.forks:
                    raise self._failed(said() or "it ended before the program was started")
                return self._read_answer() or 0
            self._heard += piece

    def exit_code(self, code: int | None) -> int | None:
        """The program's exit code, below 0 the signal that ended it, given that of the process that was started.

        All that was answered must have been heard.
        """
        for line in self._heard.splitlines():
            if line.startswith(order.SIGNALLED):
                return -int(line.split()[1])
        return code

    def close(self) -> None:
        """Hear no more."""
        if self.answer_fd >= 0:
            os.close(self.answer_fd)
            self.answer_fd = -1

    def _read_answer(self) -> int | None:
        if not self._heard.startswith(order.FAILED):
            return None
        number, what = self._heard.decode("utf-8", "replace").splitlines()[0].split(" ", 2)[1:]
        if what == order.EXEC:
            return int(number)
        raise self._failed(f"it could not {what}" + (f": {os.strerror(int(number))}" if int(number) else ""))

    def _failed(self, why: str) -> errors.Denied:
        return errors.Denied(
            f"{self._spec.argv[0]!r} could not be shut in by {self._means.name}: {why}",
            code="sandbox-failed",
            hint="see `nofx doctor`; a step without `sandbox` runs without one",
            context={"sandbox": self._sandbox.source},
        )

    def _lists(self) -> list[list[bytes]]:
        spec, encode = self._spec, os.fsencode
        for name in spec.env:
            if "=" in name:
                raise ValueError("illegal environment variable name")
        places = [text for place in self._layout.places for text in (place.kind, place.path, place.identity)]
        options = [order.FORKS if self._means.forks else order.ENTERS]
        if not self._sandbox.network:
            options.append(order.NO_NETWORK)
        ignored = [n for n in order.MAY_BE_IGNORED if signal.getsignal(n) is signal.SIG_IGN]
        lists: list[list[bytes]] = [[]] * 7
        lists[order.PROGRAM] = [encode(self._program)]
        lists[order.CWD] = [encode(os.path.abspath(spec.cwd))]
        lists[order.ARGV] = [encode(text) for text in spec.argv]
        lists[order.ENV] = [encode(f"{name}={value}") for name, value in spec.env.items()]
        lists[order.PLACES] = [encode(text) for text in places]
        lists[order.IGNORED] = [b"%d" % number for number in ignored]
        lists[order.OPTIONS] = [encode(text) for text in options]
        return lists

    def _refuse_hidden(self) -> None:
        for path in (os.path.abspath(self._program), os.path.realpath(self._program)):
            if self._layout.kind_of(path) is Kind.PRIVATE:
                raise errors.Denied(
                    f"the program {self._program} is not there for a process that is shut in: it lies in a folder for "
                    "temporary files, of which such a process has its own",
                    code="sandbox-hides-program",
                    hint="have it in the workspace, or installed elsewhere",
                    context={"program": self._program},
                )


def launcher_command() -> list[str]:
    """Our Python without its site-packages, to which two open files are to be named."""
    python = getattr(sys, "_base_executable", "") or sys.executable
    return [python, "-I", "-S", "-c", _SCRIPT, PACKAGES]
