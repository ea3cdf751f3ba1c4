"""How long a run has been executed: waiting for people, and lying there after a crash, do not count."""

from dataclasses import dataclass

from nofx_cli.clock import parse_at


@dataclass(slots=True, repr=False, match_args=False)
class ActiveTime:
    """Begun and ended by the events of a run; `last_at` is the instant of the newest one."""

    us: int = 0
    since: str = ""
    last_at: str = ""

    def begin(self, at: str) -> None:
        """It is executed from now on; where it was cut off before, it was until the last event."""
        self.end(self.last_at)
        self.since = at

    def end(self, at: str) -> None:
        """It is executed no more; nothing where it was not."""
        if self.since:
            self.us += max(parse_at(at) - parse_at(self.since), 0)
        self.since = ""

    def ms(self, now_us: int) -> int:
        """So far; `now_us` is 0 where it is not executed now."""
        going_on = max(now_us - parse_at(self.since), 0) if self.since and now_us else 0
        return (self.us + going_on) // 1000
