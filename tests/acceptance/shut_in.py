"""Real processes that are shut in, by each means that this machine has."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nofx_cli.clock import SystemClock
from nofx_cli.domain.policy import Sandbox
from nofx_cli.ports.processes import ProcessResult
from nofx_cli.safety.masking import Masker
from nofx_cli.safety.processes import LocalProcesses
from nofx_cli.safety.sandbox_launch import Means
from nofx_cli.safety.sandbox_layout import Layout
from nofx_cli.safety.sandbox_means import Bubblewrap, Namespaces
from tests.crash.process_bench import Bench


class OldKernel(Namespaces):
    """Namespaces where the kernel cannot change a whole tree of mounts at a time."""

    name = "user namespaces of an old kernel"

    def command(self, launcher: Sequence[str], layout: Layout, *, network: bool) -> list[str]:
        forget = "from nofx_cli.safety import sandbox_kernel; sandbox_kernel._KNOWS_ATTRIBUTES = False; "
        return [part.replace("from nofx_cli", forget + "from nofx_cli", 1) for part in launcher]


ALL_MEANS: dict[str, type[Means]] = {"bubblewrap": Bubblewrap, "namespaces": Namespaces, "old-kernel": OldKernel}
_TRIALS = {
    "bubblewrap": ("bwrap", "--unshare-user", "--unshare-net", "--ro-bind", "/", "/", "true"),
    "namespaces": ("unshare", "--user", "--map-root-user", "--mount", "--net", "true"),
}
"""What tells without any of our code that a machine has the means: ours must work there, not be skipped."""


def means_named(name: str) -> Means:
    """One of `ALL_MEANS`; the test is skipped where this machine does not have it."""
    if not _machine_has(_TRIALS.get(name, _TRIALS["namespaces"])):
        pytest.skip(f"this machine has no {name}")
    return ALL_MEANS[name]()


@cache
def _machine_has(trial: tuple[str, ...]) -> bool:
    return (
        shutil.which(trial[0]) is not None and subprocess.run(trial, capture_output=True, check=False).returncode == 0
    )


class ShutIn(Bench):
    """A bench with a workspace that is a project in git, a store in it, and a file outside of it."""

    def __init__(self, folder: Path, means: Means) -> None:
        super().__init__(folder)
        self.means = means
        self.processes = LocalProcesses(Masker(()), SystemClock(), find_means=lambda: means)
        self.workspace = folder / "workspace"
        self.store = self.workspace / "data" / "store"
        self.scratch = self.store / "scratch"
        self.log = self.store / "step.log"
        self.record = self.scratch / "process.json"
        self.git_config = self.workspace / ".git" / "config"
        self.settings = self.workspace / "nofx.yaml"
        self.journal = self.store / "journal.jsonl"
        self.outside = folder / "outside"
        for file in (self.git_config, self.settings, self.journal, self.workspace / "docs" / "page", self.outside):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("as it was\n")
        self.scratch.mkdir()

    def run_in(self, argv: Sequence[str], sandbox: Sandbox | None = None, **changes: Any) -> ProcessResult:
        given: dict[str, Any] = {
            "cwd": self.workspace,
            "workspace": self.workspace,
            "writable": (self.scratch,),
            "readonly": (self.store,),
            "sandbox": sandbox or Sandbox(network=False),
        }
        return self.run(*argv, **(given | changes))

    def sh_in(self, script: str, sandbox: Sandbox | None = None, **changes: Any) -> ProcessResult:
        return self.run_in(["/bin/sh", "-c", script], sandbox, **changes)

    def told(self, script: str, sandbox: Sandbox | None = None, **changes: Any) -> str:
        """All that a script writes."""
        before = self.log.read_text() if self.log.exists() else ""
        self.sh_in(script, sandbox, **changes)
        return self.log.read_text()[len(before) :] if self.log.exists() else ""


IS_ROOT = os.geteuid() == 0
