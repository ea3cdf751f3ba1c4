"""Signatures of notices: who knows the secret can tell that a notice is from nofx, is whole, and is new.

`X-Nofx-Signature` is `sha256=` and the HMAC-SHA256, in hex, of `<X-Nofx-Timestamp>.<body>` with the secret; the
timestamp is in seconds since 1970. It is made anew each time that a notice is sent.
"""

import hmac

SCHEME = "sha256="
DEFAULT_TOLERANCE_SECONDS = 300


def signature_of(secret: str, *, timestamp: str, body: bytes) -> str:
    """The value of `X-Nofx-Signature`."""
    return SCHEME + hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


def verify_signature(
    secret: str,
    signature: str,
    *,
    timestamp: str,
    body: bytes,
    now: float,
    tolerance_seconds: float = DEFAULT_TOLERANCE_SECONDS,
) -> bool:
    """Whether a notice was signed with the secret, and not long before or after `now` (seconds since 1970).

    `signature` and `timestamp` are the headers as they came, `body` the bytes as they came. Takes as long for a wrong
    signature as for a right one.
    """
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now - int(timestamp)) > tolerance_seconds:
        return False
    wanted = signature_of(secret, timestamp=timestamp, body=body)
    return hmac.compare_digest(wanted.encode(), signature.encode())
