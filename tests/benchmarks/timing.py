"""Timing of whole processes in pairs, and the figures that come of it."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


@dataclass(frozen=True)
class Timed:
    """A finished process: seconds from start to end."""

    wall: float


@dataclass(frozen=True)
class Figure:
    """One row: what was measured, the two sides as text, the ratio (or the value), and the goal."""

    what: str
    ours: str
    theirs: str
    value: float
    goal: float
    unit: str = "x"

    def __str__(self) -> str:
        mark = "" if self.value <= self.goal else "  <-- falls short"
        shown = f"{self.value:.2f}" if self.unit == "x" else f"{self.value:.1f}"
        return f"{self.what:<58}{self.ours:>12}{self.theirs:>12}{shown:>8} {self.unit:<3}<= {self.goal:g}{mark}"

    def as_json(self, name: str) -> dict[str, object]:
        return {"name": name, "what": self.what, "value": self.value, "goal": self.goal, "unit": self.unit}


class Bench:
    """A place to measure in. `nofx` and `python` are those of a fresh installation."""

    def __init__(self, binaries: Path, folder: Path, *, pairs: int) -> None:
        self.nofx, self.python = str(binaries / "nofx"), str(binaries / "python")
        self.folder, self.pairs = folder, pairs
        folder.mkdir()
        self._stores = 0

    def environment(self) -> dict[str, str]:
        """An environment with a new, empty store."""
        self._stores += 1
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "NOFX_HOME": str(self.folder / f"store{self._stores}")}

    def run(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> Timed:
        """Run a command to its end, its output thrown away; a failure ends the measurement."""
        began = time.perf_counter()
        process = subprocess.Popen(
            argv,
            cwd=self.folder,
            env=dict(environment or self.environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        process.wait()
        wall = time.perf_counter() - began
        if process.returncode:
            raise SystemExit(f"{argv} ended with {process.returncode}")
        return Timed(wall)

    def peak_mb(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
        """The peak memory of a command, in megabytes. A small process starts it, for a child has its parent's peak."""
        found = subprocess.run(
            [self.python, "-c", _PEAK, *argv],
            cwd=self.folder,
            env=dict(environment or self.environment()),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        return int(found.stdout) / 1024

    def paired(self, ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float, float]:
        """Measure both in turn, once uncounted; the medians and the median of the ratios."""
        ours(), theirs()
        pairs = [(ours(), theirs()) for _ in range(self.pairs)]
        ratio = statistics.median(one / other for one, other in pairs)
        return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs), ratio

    def plan(self, name: str, steps: Sequence[str]) -> str:
        """Write a plan of these steps (flow mappings); returns its path."""
        path = self.folder / f"{name}.yaml"
        path.write_text("version: 1\nsteps:\n" + "".join(f"  - {step}\n" for step in steps), encoding="utf-8")
        return str(path)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} us"
