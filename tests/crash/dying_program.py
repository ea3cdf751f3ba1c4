"""What scripts have in common that are nofx itself, and die at a point that is named."""

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.crash.matrix_faults import Death, Installer


def be_nofx(points: Mapping[str, Installer]) -> None:
    """Be the program, that dies at a point: `SCRIPT POINT HITS WORD…`, with the file that tells of the hit."""
    point, hits, *words = sys.argv[1:]
    points[point](Death(point, 1, hits=Path(hits)))
    from nofx_cli.cli.app import main as nofx

    sys.argv = ["nofx", *words]
    nofx()
