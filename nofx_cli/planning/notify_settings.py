"""Reads `notify:` of `nofx.yaml`: who is told of events. No secret is read here, and none is told."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from nofx_cli.domain.events import BY_TYPE
from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.notify import DEFAULT_EVENTS, NotifyTarget
from nofx_cli.planning.database_settings import BY_NAME
from nofx_cli.planning.kinds import Choice, Text
from nofx_cli.planning.mistaken_secrets import names_secret
from nofx_cli.planning.nodes import STR, Node
from nofx_cli.planning.reading import Bad, Field, Reading, table
from nofx_cli.planning.report import quoted
from nofx_cli.planning.rules import name_of, place_of
from nofx_cli.planning.structures import Declared, Entry, ListOf
from nofx_cli.safety.globs import matches

_SECRET_IN_PATH = re.compile(r"https?://hooks\.slack(-gov)?\.com/|https?://discord(app)?\.com/api/webhooks/")


class Address:
    """Where notices go. An address that is a secret itself is refused, and not told."""

    label = "an address such as https://hooks.example.org/nofx, or `<scope>/<NAME>` of a secret"

    def read(self, node: Node, reading: Reading) -> str | Bad:
        text = node.value.strip() if node.id == "scalar" and node.tag == STR else ""
        if re.fullmatch(BY_NAME, text):
            return str(text)
        if not re.match("https?://", text):
            return reading.bad_value(node, f"{reading.what()} takes {self.label}")
        from nofx_cli.safety.hosts import UnreadableHost, read_address

        if _SECRET_IN_PATH.match(text):
            hint = "declare it below `secrets`, and name that: url: <scope>/<NAME>"
            return reading.bad_value(node, f"{reading.what()} is an address that whoever has it may use", hint=hint)
        try:
            read_address(text)
        except UnreadableHost as exc:
            return reading.bad_value(node, f"{reading.what()} cannot be used: {exc}")
        return str(text)

    def schema(self) -> JsonObject:
        return {"type": "string", "pattern": f"^(https?://.+|{BY_NAME})$"}


class SigningSecret:
    """A secret by its scope and name. What looks like a secret itself is refused, and not told."""

    label = "`<scope>/<NAME>` of a secret"

    def read(self, node: Node, reading: Reading) -> str | Bad:
        text = node.value if node.id == "scalar" and node.tag == STR else ""
        if re.fullmatch(BY_NAME, text):
            return str(text)
        hint = "the secret itself does not belong here: declare it below `secrets`"
        return reading.bad_value(node, f"{reading.what()} takes {self.label}", hint=hint)

    def schema(self) -> JsonObject:
        return {"type": "string", "pattern": f"^{BY_NAME}$"}


class EventGlob(Text):
    """A glob over the types of events that means one of them at least."""

    def read(self, node: Node, reading: Reading) -> str | Bad:
        text = super().read(node, reading)
        if isinstance(text, str) and not any(matches(kind, text) for kind in BY_TYPE):
            near = reading.report.near(text, BY_TYPE) or "docs/reference/events.md names them"
            return reading.bad_value(node, f"there is no event {quoted(text)}", hint=near)
        return text


TARGET = table(
    Field("url", Address(), "Where notices go: an address, or `<scope>/<NAME>` of the secret that holds it.",
          required=True),
    Field("format", Choice("webhook", "slack"), "JSON of nofx's own, or what Slack and the like take.",
          default="webhook"),
    Field("events", ListOf(EventGlob("an event such as `run.failed`, or a glob"), "a list of events",
                           may_be_empty=False),
          "Which events are told.", default=", ".join(f"`{one}`" for one in DEFAULT_EVENTS)),
    Field("secret", SigningSecret(), "The secret that notices are signed with: `<scope>/<NAME>`.",
          default="they are not signed"),
)  # fmt: skip
NOTIFY = Declared(TARGET, name_of("a target"), "target")


def targets_of(
    entries: Sequence[Entry], secrets: frozenset[str] | None, reading: Reading
) -> Mapping[str, NotifyTarget]:
    """What a `notify:` says, by name. `secrets` are those that are declared; None where that is not known."""
    return {entry.name: _target(entry, secrets, reading) for entry in entries}


def _target(entry: Entry, secrets: frozenset[str] | None, reading: Reading) -> NotifyTarget:
    values: Mapping[str, Any] = entry.found.values
    for field in ("url", "secret"):
        named = str(values.get(field, ""))
        if named and "://" not in named and secrets is not None and named not in secrets:
            hint = reading.report.near(named, secrets) or f"declare it below `secrets`: {_declared(named)}"
            message = f"`{field}` of target {quoted(entry.name)} names no declared secret"
            reading.bad_value(entry.found.nodes[field], message, hint=hint)
    return NotifyTarget(
        entry.name,
        url=str(values.get("url", "")),
        format=values.get("format", "webhook"),
        events=values.get("events", DEFAULT_EVENTS),
        secret=str(values.get("secret", "")),
        source=place_of(entry.node, reading),
    )


def _declared(name: str) -> str:
    """How a secret of this name is declared; what may be a secret itself is not repeated."""
    if not names_secret(name):
        return "<scope>: {<NAME>: {env: …}}; an address begins with https://"
    scope, _, variable = name.partition("/")
    return f"{scope}: {{{variable}: {{env: {variable}}}}}"
