"""A fault of ours: everything needed to mend it goes into a file, and its path is printed."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from nofx_cli import __version__
from nofx_cli.cli.output import note, process_masker


def tell_fault(fault: BaseException) -> None:
    """Write the report into the temporary folder, readable only by its owner, and say where it lies."""
    import os
    import platform
    import tempfile
    import traceback

    mask = process_masker().text
    report = "\n".join(
        [
            f"nofx {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"at {datetime.now(UTC).isoformat()}",
            f"command: {' '.join(sys.argv[1:2])} … ({len(sys.argv) - 1} arguments)",
            "",
            mask("".join(traceback.format_exception(fault))),
        ]
    )
    fd, name = tempfile.mkstemp(prefix="nofx-report-", suffix=".txt")
    with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(report)
    note(f"error[fault]: a fault in nofx: {type(fault).__name__}: {mask(str(fault))}")
    note(f"  the report is in {Path(name)}; please send it to whoever maintains nofx")
