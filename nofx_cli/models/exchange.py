"""One HTTP request to a model, and what came of it. Only data, so that it costs nothing to know of it."""

from collections.abc import Mapping
from typing import Any

from nofx_cli.domain.models import TimeLimits
from nofx_cli.domain.record import record
from nofx_cli.models.failure import Failure
from nofx_cli.models.gathered import Gathered
from nofx_cli.models.providers import Provider


@record
class Sent:
    """What is sent, and where."""

    provider: Provider
    key: str
    body: Mapping[str, Any]
    limits: TimeLimits


@record
class Came:
    """What came of it: an answer, or a failure with what had come until then. `first_token_ms` is 0 where none came."""

    gathered: Gathered
    failure: Failure | None
    first_token_ms: int = 0
