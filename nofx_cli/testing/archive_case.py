"""What the parts of the contract for archives share: the archive under test, and what a test puts into it."""

from decimal import Decimal
from pathlib import Path
from typing import ClassVar

import pytest

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.models import ChatMessage, Finish, ModelReply, ModelRequest, Usage
from nofx_cli.ports.archive import Archive, Exchange
from nofx_cli.safety.masking import Masker
from nofx_cli.testing import child

RUN = "20261122-091530-7k3f9q"
OTHER_RUN = "20261122-091531-aaaaaa"
STEP = "notes"
MODELS = ("openai/gpt-5", "local/smollm2")
AT = "2026-11-22T09:15:30.000123Z"
LATER = "2026-11-22T10:00:00.000000Z"
HUSHED = "swordfish-9"


def asked(text: str = "What changed?") -> JsonObject:
    """A canonical request."""
    messages = (ChatMessage("system", "Be brief."), ChatMessage("user", text))
    return ModelRequest(messages, temperature=0.2, schema={"type": "object"}).canonical(MODELS)


def said(
    text: str = "Nothing.",
    *,
    model: str = MODELS[0],
    cost_usd: str | None = "0.0012340",
    data: JsonValue = None,
    finish: Finish = "stop",
) -> ModelReply:
    return ModelReply(
        text,
        model,
        finish,
        data,
        Usage(input=120, output=7, cached=100),
        None if cost_usd is None else Decimal(cost_usd),
        duration_ms=842,
    )


def put(
    archive: Archive,
    reply: ModelReply | None = None,
    *,
    request: JsonObject | None = None,
    run: str = RUN,
    step: str = STEP,
    at: str = AT,
    shared: bool = True,
) -> Exchange:
    canonical = asked() if request is None else request
    return archive.put(canonical, said() if reply is None else reply, run=run, step=step, at=at, shared=shared)


class ArchiveCase:
    """The archive under test."""

    processes: ClassVar[bool] = False
    """Whether several openers of one place share one archive."""

    @staticmethod
    def open_archive(place: Path, masker: Masker) -> Archive:
        """Open the archive that lies at a place, made where there is none; a function that a child can import."""
        raise NotImplementedError

    @staticmethod
    def bytes_of(archive: Archive, place: Path, request: str) -> bytes:
        """What is kept of an entry."""
        raise NotImplementedError

    @staticmethod
    def spoil(archive: Archive, place: Path, request: str, data: bytes) -> None:
        """Let an entry have other bytes, as a disk that fails does; there need be none of that name."""
        raise NotImplementedError

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "the store"

    @pytest.fixture
    def archive(self, place: Path) -> Archive:
        return self.open_archive(place, Masker([HUSHED]))

    @pytest.fixture
    def other(self, place: Path, archive: Archive) -> Archive:
        """The same archive as somebody else sees it."""
        return self.open_archive(place, Masker([HUSHED])) if self.processes else archive


def open_elsewhere(opener: str, place: str) -> Archive:
    """In a child: open the archive of `elsewhere`."""
    archive: Archive = child.find(opener)(Path(place), Masker())
    return archive
