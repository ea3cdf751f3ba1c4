"""The view in the log of a CI job: plain lines, and what a step printed in a section that can be opened.

A section is written when its attempt has ended, as a whole: of steps that run at the same time the lines do not mix.
"""

import os
from collections.abc import Iterator
from typing import TextIO

from nofx_cli.cli.ci.sections import Sections
from nofx_cli.cli.live import telling
from nofx_cli.cli.live.plain import PlainView
from nofx_cli.cli.live.watched import WatchedRun
from nofx_cli.cli.output import safe
from nofx_cli.clock import parse_at
from nofx_cli.domain.events import Event, StepFinished, StepInterrupted, StepRetryScheduled
from nofx_cli.domain.wording import counted

MOST_LINES = 2_000
_MOST_BYTES = 512 * 1024
_LINE_LIMIT = 4_000
_ENDS_OF_ATTEMPTS = (StepFinished, StepRetryScheduled, StepInterrupted)


class JobView(PlainView):
    """Plain lines, with the log of every attempt that has one."""

    def __init__(self, watched: WatchedRun, sections: Sections, *, stream: TextIO | None = None) -> None:
        super().__init__(watched, stream=stream)
        self._sections = sections

    def _told(self, event: Event) -> list[str]:
        lines = super()._told(event)
        if not lines or not isinstance(event.payload, _ENDS_OF_ATTEMPTS):
            return lines
        log = list(self._log(event))
        if not log:
            return lines
        name = f"nofx_{event.run}_{event.step}_{event.attempt}"
        return self._sections.section(name, lines[0], log, at=parse_at(event.at) // 1_000_000)

    def _log(self, event: Event) -> Iterator[str]:
        """The last lines of the attempt's log, neutralised, and how much is missing before them."""
        assert event.step is not None
        attempt = event.attempt or 1
        try:
            with open(self._watched.log_path(event.step, attempt), "rb") as log:
                size = os.fstat(log.fileno()).st_size
                log.seek(max(size - _MOST_BYTES, 0))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return
        lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
        cut = size > _MOST_BYTES or len(lines) > MOST_LINES
        if cut:
            lines = (lines[1:] or lines)[-MOST_LINES:]  # the first one was cut in the middle
            shown = f"the last {counted(len(lines), 'line')}; all of it: nofx logs {event.run} {event.step}"
            yield f"… {shown} --attempt {attempt}" if attempt > 1 else f"… {shown}"
        yield from (safe(telling.newest(line))[:_LINE_LIMIT] for line in lines)
