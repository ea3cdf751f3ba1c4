"""Reads `models:` of `nofx.yaml`. Imported only where it has that, for plans that ask no model."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nofx_cli.domain.ids import JsonObject
from nofx_cli.domain.models import (
    BUILT_IN_PROVIDERS,
    KINDS,
    EditFormat,
    ModelSettings,
    ModelsSpec,
    Price,
    ProviderSpec,
    TimeLimits,
)
from nofx_cli.planning.budgets import Dollars
from nofx_cli.planning.kinds import Choice, Duration, Flag, Text, Whole
from nofx_cli.planning.mistaken_secrets import names_secret
from nofx_cli.planning.nodes import STR, Node
from nofx_cli.planning.reading import Bad, Field, Found, Reading, describe, table
from nofx_cli.planning.report import quoted
from nofx_cli.planning.rules import name_of, place_of
from nofx_cli.planning.structures import Declared, Either, Entry, ListOf, Record

NO_KEY = "none"
KEY_FORM = "[A-Za-z_][A-Za-z0-9_.-]{0,63}/[A-Za-z_][A-Za-z0-9_]*"
"""`<scope>/<NAME>` of a secret, as a regular expression."""
_MOST_CALLS = 100


class BaseUrl:
    """An address with `http` or `https`, in which no key hides."""

    label = "an address such as https://llm.example.org/v1"

    def read(self, node: Node, reading: Reading) -> str | Bad:
        if node.id != "scalar" or node.tag != STR:
            return reading.wrong_kind(node, self.label)
        from nofx_cli.safety.hosts import UnreadableHost, read_address

        url: str = node.value.strip()
        if not re.match("https?://", url):
            return reading.bad_value(node, f"{reading.what()} takes {self.label}, not {describe(node)}")
        if "?" in url or "#" in url:
            return reading.bad_value(node, f"{reading.what()} ends before `?` and `#`", hint="a key goes into `key`")
        try:
            read_address(url)
        except UnreadableHost as exc:
            hint = "a key goes into `key`" if "@" in url else ""
            return reading.bad_value(node, f"{reading.what()} cannot be used: {exc}", hint=hint)
        return url

    def schema(self) -> JsonObject:
        return {"type": "string", "pattern": "^https?://[^?#@]+$"}


class Key:
    """Where a key comes from. What looks like a key itself is refused, and not told."""

    label = f"`<scope>/<NAME>` of a secret, or `{NO_KEY}`"

    def read(self, node: Node, reading: Reading) -> str | Bad:
        text = node.value if node.id == "scalar" and node.tag == STR else ""
        if text == NO_KEY or re.fullmatch(KEY_FORM, text):
            return str(text)
        hint = f"a key itself does not belong here: declare it below `secrets`, or write `{NO_KEY}`"
        return reading.bad_value(node, f"{reading.what()} takes {self.label}", hint=hint)

    def schema(self) -> JsonObject:
        return {"type": "string", "pattern": f"^({NO_KEY}|{KEY_FORM})$"}


_PROVIDER_NAME = name_of("a provider")
_MODEL = Text(
    "the name of a model",
    pattern="[A-Za-z_][A-Za-z0-9_.-]{0,63}/[A-Za-z0-9_.:/@+-]{1,200}",
    form="it is <provider>/<model>, such as openai/gpt-5",
    code="plan-bad-name",
)
_ROUTE = Either(ListOf(_MODEL, "a list of models", may_be_empty=False), _MODEL)
_WHAT_FOR = {
    "codegen": "Which models write code, the first that answers.",
    "reasoning": "Which models judge and plan.",
    "docs": "Which models write texts.",
}
ROUTES = table(*(Field(kind, _ROUTE, _WHAT_FOR[kind], default="none") for kind in KINDS))
PROVIDER = table(
    Field("base_url", BaseUrl(), "Its OpenAI-compatible API; a provider that is not built in must have one.",
          default="of a built-in one, its own"),
    Field("key", Key(), "Which secret holds its key: `<scope>/<NAME>` below `secrets`; `none` for no key.",
          default="of a built-in one, its usual variable; on this machine, `none`"),
    Field("insecure", Flag(), "Whether a key may be sent over plain `http` to another machine.", default="false"),
)  # fmt: skip
PRICE = table(
    Field("input", Dollars(), "What a million tokens of input cost, in US dollars.", required=True),
    Field("output", Dollars(), "What a million tokens of output cost.", required=True),
    Field("cached", Dollars(), "The same of input that the provider had in its cache.", default="as `input`"),
)
SETTINGS = table(
    Field("price", Record(PRICE), "What it costs.", default="what is known of it"),
    Field("edits", Choice(*(one.value for one in EditFormat)), "How it is asked to write changes of files.",
          default="what suits it"),
    Field("max_output_tokens", Whole(1), "How long an answer may be, where a step does not say.", default="8192"),
)  # fmt: skip
LIMITS = table(
    Field("connect", Duration(), "To connect.", default="10s"),
    Field("first_token", Duration(), "Until the first token comes.", default="2m"),
    Field("whole", Duration(), "For the whole call.", default="10m"),
)
MODELS = table(
    Field("routes", Record(ROUTES), "For each kind of work the models to try, in order.", default="none"),
    Field("providers", Declared(PROVIDER, _PROVIDER_NAME, "provider"), "Where models are, beside the built-in ones.",
          default=", ".join(BUILT_IN_PROVIDERS)),
    Field("settings", Declared(SETTINGS, _MODEL, "model"), "What holds for one model, by its whole name."),
    Field("limits", Record(LIMITS), "How long a call may take."),
    Field("attempts", Whole(1, _MOST_CALLS), "How many calls one question may take, all models and repetitions "
          "counted.", default="6"),
)  # fmt: skip


def models_of(found: Found, secrets: frozenset[str] | None, reading: Reading) -> ModelsSpec:
    """What a `models:` says; faults that no single field can tell are told.

    Args:
        secrets: what is declared, each as `<scope>/<NAME>`; None where that is not known.
    """
    values: Mapping[str, Any] = found.values
    _check_names(found, reading)
    routes, limits = _below(values, "routes"), _below(values, "limits")
    return ModelsSpec(
        providers={entry.name: _provider(entry, secrets, reading) for entry in values.get("providers", ())},
        routes={kind: (said,) if isinstance(said, str) else said for kind, said in routes.items()},
        settings={entry.name: _settings(entry.found.values) for entry in values.get("settings", ())},
        limits=TimeLimits(**{f"{name}_ms": value for name, value in limits.items()}),
        attempts=values.get("attempts", ModelsSpec().attempts),
    )


def _below(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    return found.values if isinstance(found, Found) else {}


def _settings(values: Mapping[str, Any]) -> ModelSettings:
    edits = values.get("edits")
    return ModelSettings(
        price=Price(**price) if {"input", "output"} <= (price := _below(values, "price")).keys() else None,
        edits=None if edits is None else EditFormat(edits),
        max_output_tokens=values.get("max_output_tokens"),
    )


def _check_names(found: Found, reading: Reading) -> None:
    """Tell models of providers that there are not, and models that stand twice in a route."""
    declared = found.nodes.get("providers")
    own = [str(key.value) for key, _ in declared.value] if declared is not None and declared.id == "mapping" else []
    known = (*BUILT_IN_PROVIDERS, *own)
    routes = found.values.get("routes")
    for kind, node in routes.nodes.items() if isinstance(routes, Found) else ():
        seen: set[str] = set()
        for item in _named(node):
            _check_provider(item, known, reading)
            if item.value in seen:
                reading.bad_value(item, f"{quoted(item.value)} stands in route `{kind}` twice")
            seen.add(item.value)
    for entry in found.values.get("settings", ()):  # type: ignore[attr-defined]  # its kind reads a list
        _check_provider(entry.node, known, reading)


def _named(node: Node) -> Iterator[Node]:
    """The names of models in a route that are well formed."""
    items = node.value if node.id == "sequence" else [node]
    return (item for item in items if item.id == "scalar" and re.fullmatch(_MODEL.pattern, item.value))


def _check_provider(node: Node, known: tuple[str, ...], reading: Reading) -> None:
    name = node.value.partition("/")[0]
    if name not in known:
        hint = reading.report.near(name, known) or "declare it below `models.providers`"
        message = f"the provider {quoted(name)} of {quoted(node.value)} is not built in, and is not declared"
        reading.bad_value(node, message, hint=hint)


def _provider(entry: Entry, secrets: frozenset[str] | None, reading: Reading) -> ProviderSpec:
    from nofx_cli.safety.hosts import is_on_this_machine

    values: Mapping[str, Any] = entry.found.values
    url, key = values.get("base_url", ""), values.get("key", "")
    who = f"provider {quoted(entry.name)}"
    if "base_url" not in entry.found.nodes and entry.name not in BUILT_IN_PROVIDERS:
        hint = reading.report.near(entry.name, BUILT_IN_PROVIDERS)
        reading.bad_value(entry.node, f"{who} is not built in, so it must have a `base_url`", hint=hint)
    if url and not is_on_this_machine(url):
        _check_way(entry, who, reading)
    if secrets is not None and key not in ("", NO_KEY) and key not in secrets:
        _tell_undeclared(key, secrets, who, entry.found.nodes["key"], reading)
    return ProviderSpec(entry.name, url, key, place_of(entry.node, reading))


def _tell_undeclared(key: str, secrets: frozenset[str], who: str, node: Node, reading: Reading) -> None:
    if not names_secret(key):
        message = f"the key of {who} is no secret that `secrets` declares"
        reading.bad_value(node, message, hint="declare it there; a key itself does not belong here")
        return
    scope, _, name = key.partition("/")
    hint = reading.report.near(key, secrets) or f"declare it: secrets: {{{scope}: {{{name}: {{env: {name}}}}}}}"
    reading.bad_value(node, f"the key of {who} is {quoted(key)}, which `secrets` does not declare", hint=hint)


def _check_way(entry: Entry, who: str, reading: Reading) -> None:
    """A key goes to another machine only where it is said which one, and not for all to read."""
    nodes, values = entry.found.nodes, entry.found.values
    if "key" not in nodes:
        hint = f"write `key: <scope>/<NAME>`, or `key: {NO_KEY}` where it wants none"
        message = f"{who} has a `base_url` of its own, so it must say which `key` goes there"
        reading.bad_value(nodes["base_url"], message, hint=hint)
    is_plain = str(values["base_url"]).startswith("http:")
    if is_plain and values.get("key", NO_KEY) != NO_KEY and values.get("insecure") is not True:
        hint = "take https, or write `insecure: true` where nobody can listen in"
        reading.bad_value(nodes["base_url"], f"the key of {who} would go over plain http to another machine", hint=hint)
