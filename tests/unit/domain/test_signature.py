"""Signatures of notices: a receiver tells a right one from every other."""

import hashlib
import hmac

import pytest

from nofx_cli.domain.signature import signature_of, verify_signature

SECRET, BODY, NOW = "k3y", b'{"a": 1}', 1_800_000_000


def _verify(**other: object) -> bool:
    given: dict[str, object] = {
        "secret": SECRET,
        "signature": signature_of(SECRET, timestamp=str(NOW), body=BODY),
        "timestamp": str(NOW),
        "body": BODY,
        "now": NOW,
        **other,
    }
    secret, signature = given.pop("secret"), given.pop("signature")
    return verify_signature(secret, signature, **given)  # type: ignore[arg-type]


def test_a_signature_is_the_hmac_of_timestamp_and_body() -> None:
    wanted = hmac.new(b"k3y", b'1800000000.{"a": 1}', hashlib.sha256).hexdigest()
    assert signature_of(SECRET, timestamp=str(NOW), body=BODY) == f"sha256={wanted}"


def test_a_right_signature_is_taken_for_five_minutes() -> None:
    assert _verify()
    assert _verify(now=NOW + 300)
    assert _verify(now=NOW - 300)


@pytest.mark.parametrize(
    "other",
    [
        {"secret": "other"},
        {"body": b'{"a": 2}'},
        {"timestamp": str(NOW + 1)},
        {"signature": "sha256=" + "0" * 64},
        {"signature": ""},
        {"signature": "sh\u00e4256"},
        {"signature": signature_of(SECRET, timestamp=str(NOW), body=BODY).removeprefix("sha256=")},
        {"now": NOW + 301},
        {"now": NOW - 301},
        {"timestamp": "now"},
        {"timestamp": "\u0661"},
        {"timestamp": ""},
    ],
)
def test_every_other_one_is_refused(other: dict[str, object]) -> None:
    assert not _verify(**other)
