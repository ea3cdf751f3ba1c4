"""Where events of runs are told to others, as `nofx.yaml` has it below `notify:`."""

from typing import Literal, TypeAlias

from nofx_cli.domain.record import record

Format: TypeAlias = Literal["webhook", "slack"]

DEFAULT_EVENTS = ("run.waiting", "run.succeeded", "run.failed", "run.cancelled", "approval.*")


@record
class NotifyTarget:
    """Somebody who is told.

    Attributes:
        url: an address, or `<scope>/<NAME>` of the secret that holds it.
        secret: `<scope>/<NAME>` of the secret that notices are signed with; empty where they are not.
        events: globs over the types of events.
        source: where it stands: `nofx.yaml:12`.
    """

    name: str
    url: str
    format: Format = "webhook"
    events: tuple[str, ...] = DEFAULT_EVENTS
    secret: str = ""
    source: str = ""

    @property
    def is_named_secret(self) -> bool:
        """Whether `url` names a secret."""
        return "://" not in self.url

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes of secrets that are needed to tell it something."""
        names = (self.url if self.is_named_secret else "", self.secret)
        return tuple(dict.fromkeys(name.partition("/")[0] for name in names if name))
