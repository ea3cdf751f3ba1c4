"""Names, identifiers and digests."""

import hashlib
import json
from collections.abc import Mapping
from typing import NewType, TypeAlias, Union

RunId = NewType("RunId", str)
StepName = NewType("StepName", str)
WorkerId = NewType("WorkerId", str)
Digest = NewType("Digest", str)

JsonValue: TypeAlias = Union[
    bool, int, float, str, "list[JsonValue]", "tuple[JsonValue, ...]", "Mapping[str, JsonValue]", None
]
JsonObject: TypeAlias = Mapping[str, JsonValue]

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def is_run_id(text: str) -> bool:
    """Whether a text has the form of a run's id: `20261122-091530-7k3f9q`."""
    day, time, suffix = text[:8], text[9:15], text[16:]
    return (
        len(text) == 22
        and text.isascii()
        and (day + time).isdigit()
        and text[8] == text[15] == "-"
        and not suffix.strip(_ALPHABET)
    )


def new_run_id(*, at: str, randomness: int) -> RunId:
    """Make an id such as `20261122-091530-7k3f9q`: it sorts by creation, down to 22 µs, then by chance.

    Args:
        at: the instant of creation, as `clock.format_at` writes it.
        randomness: at least 16 random bits; two ids of the same 22 µs differ by it.
    """
    tick = int(at[20:26]) * len(_ALPHABET) ** 3 // 1_000_000
    suffix = _base36(tick) + _base36(randomness % len(_ALPHABET) ** 3)
    return RunId(f"{at[0:4]}{at[5:7]}{at[8:10]}-{at[11:13]}{at[14:16]}{at[17:19]}-{suffix}")


def _base36(number: int) -> str:
    """Three digits of base 36."""
    high, low = divmod(number, len(_ALPHABET))
    return _ALPHABET[high // len(_ALPHABET)] + _ALPHABET[high % len(_ALPHABET)] + _ALPHABET[low]


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=dict).encode


def canonical_json(value: JsonValue) -> str:
    """Write JSON the one way that digests are taken of: keys sorted, compact, not ASCII-escaped."""
    return _CANONICAL(value)


def digest_of_bytes(data: bytes) -> Digest:
    """SHA-256 as 64 hex digits."""
    return Digest(hashlib.sha256(data).hexdigest())


def digest_of(value: JsonValue) -> Digest:
    """SHA-256 of the canonical JSON of `value`."""
    return digest_of_bytes(canonical_json(value).encode("utf-8", "surrogatepass"))


def idempotency_key(run: RunId, step: StepName, inputs: JsonObject) -> str:
    """The key under which a step acts on the world: the same for every attempt with the same rendered inputs.

    The last part of `{}` is `44136fa355b3`, that of `{"x":1}` is `5041bf1f713d`.
    """
    return key_of_digest(run, step, digest_of(inputs))


def key_of_digest(run: RunId, step: StepName, inputs_digest: Digest) -> str:
    """The same, from the digest of the inputs."""
    return f"{run}:{step}:{inputs_digest[:12]}"
