"""`exit-code`: nothing is read; the project says that the exit code is all there is.

What passes so says it: the summary names the exit code, and one command is all that was counted. 126 and 127 are how
a shell tells that it could not run the program, 128 and more that a signal ended it: there the check itself broke.
"""

import signal
from pathlib import Path

from nofx_cli.domain.outcome import Verdict
from nofx_cli.handlers.gates.evidence import Evidence, NoEvidence

_SIGNALS = {128 + int(one): one.name for one in signal.Signals}
_NOT_RUN = {126: "could not be executed", 127: "was not found"}


def judge(data: bytes, *, exit_code: int, last: str = "", workspace: Path) -> Evidence:  # noqa: ARG001
    """0 is a pass, any other exit code fails.

    Raises:
        NoEvidence: the command did not run, or was ended by a signal.
    """
    if exit_code in _NOT_RUN:
        raise NoEvidence(f"a program {_NOT_RUN[exit_code]} (exit code {exit_code}){last}", retryable=False)
    if exit_code in _SIGNALS:
        raise NoEvidence(f"a program was ended by {_SIGNALS[exit_code]} (exit code {exit_code}){last}")
    if exit_code:
        return Evidence(Verdict.FAILED, f"the command exited with code {exit_code}{last}", {"commands": 1})
    return Evidence(Verdict.PASSED, "the command exited with code 0; nothing else was looked at", {"commands": 1})
