"""A plan is kept with its run as it is, and its digest is on record: so it must hold no secret."""

from nofx_cli import errors
from nofx_cli.engine.services import Services
from nofx_cli.safety.masking_stream import REPLACEMENT

_SHORTEST = 12
"""A shorter value in a plan is an ordinary word more often than not: `postgres`, the password of a test's database."""


def check_plan_secrets(services: Services, text: str, name: str) -> None:
    """Refuse a plan that holds a secret of at least 12 characters, or what looks like one.

    Raises:
        errors.InvalidInput: code `secret-in-plan`; names the lines, never what stands there.
    """
    if services.mask_text(text) == text:
        return
    lines = [number for number, line in enumerate(text.split("\n"), 1) if _holds_one(services, line)]
    if not lines:
        return
    raise errors.InvalidInput(
        f"the plan {name} holds a secret on {'line' if len(lines) == 1 else 'lines'} {', '.join(map(str, lines))}",
        code="secret-in-plan",
        hint="plans are kept with their runs: declare the secret in nofx.yaml, and name its scope in `secrets_scope`",
        context={"lines": lines},
    )


def check_path_secrets(services: Services, path: str) -> None:
    """Refuse a project whose folder is called like a secret: the run is found again by that path.

    Raises:
        errors.InvalidInput: code `secret-in-path`.
    """
    if _holds_one(services, path):
        raise errors.InvalidInput(
            "the path of the project's folder holds a secret",
            code="secret-in-path",
            hint="paths are kept with runs: move the project, or change the secret",
        )


def check_key_secrets(services: Services, key: str) -> None:
    """Refuse an idempotency key that holds a secret: masked, it would be no key any more.

    Raises:
        errors.InvalidInput: code `secret-in-key`.
    """
    if services.mask_text(key) != key:
        raise errors.InvalidInput(
            "the idempotency key holds a secret", code="secret-in-key", hint="use a digest of it, or another key"
        )


def _holds_one(services: Services, line: str) -> bool:
    masked = services.mask_text(line)
    return masked != line and len(line) - len(masked) + len(REPLACEMENT) >= _SHORTEST
