"""`make bench`: what nofx costs, as ratios against bare Python and the bare disk, taken in one run.

nofx is installed from a wheel with its bytecode, as its users have it. Every ratio is the median of pairs measured
in turn, so that a machine that changes its speed changes both sides.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import measures
from timing import Bench

REPOSITORY = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("only", nargs="*", help="names of measures; all by default")
    parser.add_argument("-n", type=int, default=7, help="how many pairs of each (at least 5 to be quoted)")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nofx-bench-", dir=os.environ.get("NOFX_BENCH_DIR")) as folder:
        bench = Bench(_installed(Path(folder)), Path(folder) / "work", pairs=options.n)
        print(f"Python {platform.python_version()}, {os.cpu_count()} cores, median of {options.n} pairs")
        print(f"{'what':<58}{'nofx':>12}{'against':>12}{'ratio':>8}   goal")
        figures = []
        for name, measure in measures.ALL.items():
            if options.only and name not in options.only:
                continue
            for figure in measure(bench):
                print(figure, flush=True)
                figures.append(figure.as_json(name))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def _installed(folder: Path) -> Path:
    """A virtual environment with nofx from a wheel; returns its `bin`."""
    wheels = folder / "wheels"
    _quietly([sys.executable, "-m", "build", "--wheel", "--outdir", wheels, REPOSITORY])
    _quietly([sys.executable, "-m", "venv", folder / "venv"])
    binaries = folder / "venv" / "bin"
    [wheel] = wheels.glob("*.whl")
    pip: list[str | Path] = [binaries / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    _quietly([*pip, "install", "--compile", "-c", REPOSITORY / "constraints.txt", wheel, "pydantic"])
    return binaries


def _quietly(argv: Sequence[str | Path]) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
