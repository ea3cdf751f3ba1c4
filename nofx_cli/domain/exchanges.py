"""Answers that were kept, and the bytes of an archive's entry: one request with its answers, on one line of JSON.

    {"v":1,"digest":<SHA-256 of all bytes behind the comma>,"request":{…},"answers":[…]}

The entry's name is the digest of the canonical request, each answer has the digest of what was said, and the digest at
the front is of every byte behind it: of what was changed, cut or renamed, at least one is not right any more.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, get_args

from nofx_cli.domain.ids import JsonObject, digest_of, digest_of_bytes
from nofx_cli.domain.models import Finish, ModelReply, Usage, request_digest
from nofx_cli.domain.record import record

VERSION = 1

_HEAD = re.compile(rb'\{"v":1,"digest":"([0-9a-f]{64})",')
_OTHER_VERSION = re.compile(rb'\{"v":(\d{1,9}),')
_FINISHES = frozenset(get_args(Finish))
_dumps = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=dict).encode


class DamagedEntry(ValueError):
    """The bytes are not what their digests say; the text says what is wrong."""


class OtherFormat(DamagedEntry):
    """An entry of a format that is not known here."""


@record
class Exchange:
    """An answer that was kept.

    Attributes:
        request: the digest of the canonical request.
        answer: the digest of what was said; see `answer_digest`.
        run, step: who asked.
        shared: whether other runs take it too (not with `cache: off`).
        at: when it came, as `clock.format_at` writes it.
    """

    request: str
    answer: str
    reply: ModelReply
    run: str
    step: str
    at: str
    shared: bool = True


@record
class Entry:
    """A canonical request with its answers, oldest first."""

    canonical: JsonObject
    exchanges: tuple[Exchange, ...] = ()

    @property
    def request(self) -> str:
        return request_digest(self.canonical)

    def adding(self, new: Iterable[Exchange]) -> "Entry":
        """With these answers too, each behind those that are not younger; what is there already is not there twice."""
        kept = list(self.exchanges)
        for exchange in new:
            if exchange not in kept:
                place = next((at for at in range(len(kept), 0, -1) if kept[at - 1].at <= exchange.at), 0)
                kept.insert(place, exchange)
        return Entry(self.canonical, tuple(kept))

    def appending(self, exchange: Exchange) -> "Entry":
        """With this answer as the newest, whatever the clock says."""
        return Entry(self.canonical, (*self.exchanges, exchange))

    def without(self, gone: Sequence[Exchange]) -> "Entry":
        return Entry(self.canonical, tuple(exchange for exchange in self.exchanges if exchange not in gone))


def answer_digest(request: str, reply: ModelReply) -> str:
    """The SHA-256 of what was said: the same words of the same model to the same request have the same.

    What it took and cost is not part of it: a second call may cost something else and say the same.
    """
    said = {"model": reply.model, "text": reply.text, "data": reply.data, "finish": reply.finish}
    return digest_of({"request": request, **said})


def encode_entry(entry: Entry) -> bytes:
    """The bytes of an entry, with the newline at their end."""
    rest = f'"request":{_dumps(entry.canonical)},"answers":{_dumps([_data_of(one) for one in entry.exchanges])}}}\n'
    body = rest.encode("utf-8", "surrogatepass")  # a model may say half a character, and it comes back as it was
    return b'{"v":%d,"digest":"%s",' % (VERSION, digest_of_bytes(body).encode()) + body


def decode_entry(data: bytes, *, request: str) -> Entry:
    """Read what `encode_entry` wrote.

    Args:
        request: the digest that the entry goes by.

    Raises:
        DamagedEntry: it is not what was written, or not under that name.
    """
    head = _HEAD.match(data)
    if head is None:
        other = _OTHER_VERSION.match(data)
        if other is not None and int(other[1]) != VERSION:
            raise OtherFormat(f"it has format {int(other[1])}; this nofx knows {VERSION}")
        raise DamagedEntry("it does not begin as an entry does")
    if digest_of_bytes(data[head.end() :]).encode() != head[1]:
        raise DamagedEntry("its content is not what its digest says")
    try:
        told = json.loads(data)
        found = request_digest(told["request"])
        if found == request:
            return Entry(told["request"], tuple(_exchange(request, one) for one in told["answers"]))
    except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as exc:
        raise DamagedEntry(f"it is no entry: {exc}") from exc
    raise DamagedEntry(f"its request has the digest {found[:12]}…, not that of its name")


def _data_of(exchange: Exchange) -> JsonObject:
    reply = exchange.reply
    masked: JsonObject = {"masked": True} if reply.masked else {}
    return {
        **masked,
        "answer": exchange.answer,
        "model": reply.model,
        "text": reply.text,
        "data": reply.data,
        "finish": reply.finish,
        "usage": reply.usage.to_json(),
        "cost_usd": None if reply.cost_usd is None else str(reply.cost_usd),
        "duration_ms": reply.duration_ms,
        "at": exchange.at,
        "run": exchange.run,
        "step": exchange.step,
        "shared": exchange.shared,
    }


def _exchange(request: str, told: Mapping[str, Any]) -> Exchange:
    if told["finish"] not in _FINISHES:
        raise ValueError(f"{told['finish']!r} is no way to end")
    cost = told["cost_usd"]
    reply = ModelReply(
        _text(told, "text"),
        _text(told, "model"),
        finish=told["finish"],
        data=told["data"],
        usage=Usage(**{name: int(count) for name, count in told["usage"].items()}),
        cost_usd=None if cost is None else Decimal(cost),
        duration_ms=int(told["duration_ms"]),
        masked=told.get("masked") is True,
    )
    if answer_digest(request, reply) != told["answer"]:
        raise ValueError("an answer is not what its digest says")
    who = {name: _text(told, name) for name in ("run", "step", "at")}
    return Exchange(request, told["answer"], reply, shared=bool(told["shared"]), **who)


def _text(told: Mapping[str, Any], name: str) -> str:
    if not isinstance(told[name], str):
        raise TypeError(f"`{name}` is no text")
    return str(told[name])
