"""What a worker says goes on being said, or nowhere; it never ends the worker."""

import errno
import io
import os

from nofx_cli.cli.worker_log import WorkerLog
from nofx_cli.clock import ManualClock


def test_where_nobody_reads_any_more_it_falls_silent_and_the_stream_can_be_closed() -> None:
    reading, writing = os.pipe()
    with open(writing, "w", encoding="utf-8") as stream:
        log = WorkerLog(ManualClock(), stream=stream)
        os.close(reading)
        for _ in range(3):
            log.note("hello")
            log.fault("trouble")
        assert os.path.samestat(os.fstat(stream.fileno()), os.stat(os.devnull))


def test_a_disk_that_is_full_for_a_while_silences_it_for_that_while() -> None:
    class Disk(io.StringIO):
        full = True

        def flush(self) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")

    disk = Disk()
    log = WorkerLog(ManualClock(), stream=disk)
    log.fault("the disk is full")
    disk.full = False
    log.note("there is room again")
    assert [line.partition("  ")[2] for line in disk.getvalue().splitlines()] == [
        "warning: the disk is full",
        "there is room again",
    ]


def test_quiet_it_tells_only_of_what_hinders_it() -> None:
    said = io.StringIO()
    log = WorkerLog(ManualClock(), stream=said, quiet=True)
    log.note("all is well")
    log.fault("trouble")
    assert said.getvalue().count("\n") == 1
    assert "warning: trouble" in said.getvalue()
