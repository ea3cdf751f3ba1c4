"""What a handler asks to run is really run, outside a run of a plan."""

import os
import signal
import subprocess
from dataclasses import dataclass

from nofx_cli.ports.processes import ProcessResult
from nofx_cli.testing import ProcessCall, process_result


@dataclass
class RealProcesses:
    """Runs what a handler asks for, with as small an environment as nofx gives, and ends it at the time limit."""

    time_limit_seconds: float = 60

    def __call__(self, call: ProcessCall) -> ProcessResult:
        env = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "LANG": "C.UTF-8"}
        # The plugins of nofx's own environment take a second to load and are not what is tried here.
        env |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **call.env}
        with subprocess.Popen(
            call.argv, cwd=call.cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, text=True,
        ) as process:  # fmt: skip
            try:
                printed, _ = process.communicate(timeout=self.time_limit_seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return process_result(None, signal="SIGKILL", stopped="timeout")
        last = ([line for line in printed.splitlines() if line.strip()] or [""])[-1]
        if process.returncode < 0:
            return process_result(None, signal=signal.Signals(-process.returncode).name, last_line=last)
        return process_result(process.returncode, last_line=last)
