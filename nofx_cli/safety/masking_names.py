"""Which variables of an environment hold secrets: judged by their names. Passwords in URLs are told by their place."""

from collections.abc import Mapping

_SECRET_PARTS = ("SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL", "BEARER", "COOKIE")
_SECRET_WORDS = ("TOKENS", "PAT", "AUTH")
_SECRET_KEYS = (
    "API",
    "ACCESS",
    "PRIVATE",
    "SIGNING",
    "ENCRYPTION",
    "MASTER",
    "ACCOUNT",
    "STORAGE",
    "DEPLOY",
    "SSH",
    "GPG",
)
_TELLS_WHERE = (
    "SOCK",
    "PATH",
    "FILE",
    "DIR",
    "HOME",
    "ASKPASS",
    "HELPER",
    "PID",
    "URL",
    "URI",
    "NAME",
    "TTL",
    "LIFETIME",
)


def secret_values(env: Mapping[str, str]) -> list[str]:
    """The values of an environment that are secrets: judged by their names, and passwords inside of URLs.

    Names that tell where a secret lies (`SSH_AUTH_SOCK`, `TOKEN_FILE`, a path in `…_CREDENTIALS`) and counts
    (`MAX_TOKENS=100000`) are none.
    """
    found: dict[str, None] = {}
    for name, value in env.items():
        if _is_secret(name, value):
            found[value] = None
        if "://" in value and "@" in value:
            found.update(dict.fromkeys(_passwords_in_urls(value)))
    return list(found)


def _is_secret(name: str, value: str) -> bool:
    upper = name.upper()
    words = upper.split("_")
    if words[-1] in _TELLS_WHERE:
        return False
    if "TOKENS" in upper and value.isdigit():
        return False
    if "CREDENTIAL" in upper and value.startswith(("/", "~/")):
        return False
    return (
        any(part in upper for part in _SECRET_PARTS)
        or any(word in _SECRET_WORDS or word.endswith("TOKEN") for word in words)
        or any(f"{key}_KEY" in upper or f"{key}KEY" in upper for key in _SECRET_KEYS)
    )


def _passwords_in_urls(text: str) -> list[str]:
    import re

    return re.findall(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@]*:([^\s/@]+)@", text)
