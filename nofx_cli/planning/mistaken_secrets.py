"""What stands in `nofx.yaml` where the source of a secret should: probably the secret itself, which no error tells."""

import re
from collections.abc import Iterator
from dataclasses import replace

from nofx_cli import errors
from nofx_cli.planning.diagnostics import Diagnostic
from nofx_cli.planning.document import compose
from nofx_cli.planning.nodes import BOOL, Node
from nofx_cli.planning.report import Report

_REFERENCE = re.compile("none|[A-Za-z_][A-Za-z0-9_.-]*/[A-Z_][A-Z0-9_]*")
_WITHOUT_SECRETS = ("routes", "settings", "limits", "attempts")
_SECRET_NAME = re.compile("key|secret|passw|credential|bearer|authori|(?<!first_)token(?!s)", re.IGNORECASE)


def without_secrets(found: list[Diagnostic], text: str, source: str) -> list[Diagnostic]:
    """The faults of a text, with what may be a secret masked."""
    try:
        root = compose(text, Report(source, text))
    except errors.InvalidInput:
        return found
    from nofx_cli.safety.masking import Masker

    parts = _pairs(root)
    values = {value for key, below in parts if key == "secrets" for value in _values(below)}
    values |= {value for key, below in parts if key == "models" for value in _of_models(below)}
    values |= {value for key, below in parts if key == "databases" for value in _of_databases(below)}
    values |= {value for key, below in parts if key == "notify" for value in _of_notify(below)}
    mask = Masker(values, patterns=any(key == "models" for key, _ in parts))
    return [
        replace(one, message=mask.text(one.message), text=mask.text(one.text), hint=mask.text(one.hint))
        for one in found
    ]


def names_secret(key: str) -> bool:
    """Whether a key of a provider names a secret as people do; a key itself that has a slash is hardly like that."""
    return _REFERENCE.fullmatch(key) is not None


def _of_databases(node: Node) -> Iterator[str]:
    """What is neither an address without a password, nor the name of a secret or of a schema."""
    for _, database in _pairs(node):
        for key, value in _pairs(database):
            harmless = "url", "schema"
            yield from (
                text
                for text in _values(value)
                if not (names_secret(text) or (key in harmless and "@" not in text and "password" not in text))
            )


def _of_notify(node: Node) -> Iterator[str]:
    """Addresses with a path, which may be all that is needed to write there, and what should name a secret."""
    for _, target in _pairs(node):
        for key, value in _pairs(target):
            if key not in ("format", "events"):
                yield from (text for text in _values(value) if not names_secret(text))


def _of_models(node: Node) -> Iterator[str]:
    """What is said below keys that are not there, or are called as secrets are, or of providers."""
    if node.id != "mapping":
        yield from _values(node)
    for key, value in _pairs(node):
        if key == "providers":
            yield from _of_providers(value)
        else:
            yield from _called_so(value) if key in _WITHOUT_SECRETS else _values(value)


def _of_providers(node: Node) -> Iterator[str]:
    """What is neither an address without a user and a query, nor the name of a secret."""
    if node.id != "mapping":
        yield from _values(node)
    for _, provider in _pairs(node):
        if provider.id != "mapping":
            yield from _values(provider)
        for key, value in _pairs(provider):
            yield from (text for text in _values(value) if not _is_harmless(key, text, value))


def _called_so(node: Node) -> Iterator[str]:
    for key, value in _pairs(node):
        yield from _values(value) if _SECRET_NAME.search(key) else _called_so(value)


def _is_harmless(key: str, text: str, node: Node) -> bool:
    if key == "base_url":
        return "@" not in text and "?" not in text and "#" not in text
    return node.tag == BOOL if key == "insecure" else key == "key" and names_secret(text)


def _pairs(node: Node) -> list[tuple[str, Node]]:
    return [(str(key.value), value) for key, value in node.value] if node.id == "mapping" else []


def _values(node: Node) -> Iterator[str]:
    """Every scalar below a node that is no key of a mapping."""
    if node.id == "scalar":
        yield str(node.value)
    elif node.id == "sequence":
        for item in node.value:
            yield from _values(item)
    for _, value in _pairs(node):
        yield from _values(value)
