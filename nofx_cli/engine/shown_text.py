"""The text that is kept of what a person is shown, and its digest, which the answer is bound to."""

from nofx_cli import errors
from nofx_cli.domain.events import ArtifactCreated
from nofx_cli.domain.ids import Digest, JsonValue, RunId, canonical_json, digest_of_bytes
from nofx_cli.engine.services import Services


def asked_text(services: Services, shown: JsonValue) -> tuple[str, Digest]:
    """Write it as it is kept: canonical JSON, masked."""
    text = canonical_json(services.mask(shown))
    return text, digest_of_text(text)


def kept_text(services: Services, run: RunId, file: ArtifactCreated) -> str | None:
    """What was kept; None where it is gone, cannot be read, or is not what the journal says."""
    try:
        with services.artifacts.open(run, file) as kept:
            text = kept.read().decode()
    except (errors.NotFound, OSError, ValueError):
        return None
    return text if digest_of_text(text) == file.digest else None


def digest_of_text(text: str) -> Digest:
    """The digest of a text as the store writes it: names of files that are no UTF-8 are escaped."""
    return digest_of_bytes(text.encode("utf-8", "backslashreplace"))
