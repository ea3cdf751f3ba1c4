"""Reads what `nofx.yaml` says beyond single settings: policy, gates, secrets, models, databases and the like.

The same checker as for plans: every fault at its place, all at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nofx_cli import errors
from nofx_cli.domain.plan import Severity
from nofx_cli.domain.project import GateSpec, Parser, ProjectRules, SecretKind, SecretSpec, Weakened
from nofx_cli.planning.agent_settings import AGENTS, agents_of
from nofx_cli.planning.budgets import PROJECT_BUDGET, budget_of, project_budget_of
from nofx_cli.planning.database_policy import asks_for_of
from nofx_cli.planning.database_settings import DATABASES, databases_of
from nofx_cli.planning.diagnostics import Diagnostic, render, to_json
from nofx_cli.planning.document import compose
from nofx_cli.planning.kinds import Choice, Duration, Flag, Text, Whole
from nofx_cli.planning.mistaken_secrets import without_secrets
from nofx_cli.planning.nodes import FLOAT, INT, MAP, NULL, Node
from nofx_cli.planning.reading import BAD, Bad, Field, Found, Reading, describe, table
from nofx_cli.planning.report import Report, quoted
from nofx_cli.planning.rules import BELOW, COMMAND, POLICY, SCOPE, level_of, name_of, place_of, words_of
from nofx_cli.planning.structures import Declared, Entry, ListOf, Record

if TYPE_CHECKING:
    from nofx_cli.domain.models import ModelsSpec
    from nofx_cli.domain.notify import NotifyTarget

_PATH = Text("a path below the workspace", pattern=BELOW, form="a relative path without `..`")
_GATE_NAME = name_of("a gate")
_VARIABLE = Text(
    "the name of an environment variable",
    pattern="[A-Za-z_][A-Za-z0-9_]*",
    form="letters, digits and `_`, not a digit first",
    code="plan-bad-name",
)


class Percent:
    """A number from 0 to 100."""

    label = "a number from 0 to 100"

    def read(self, node: Node, reading: Reading) -> float | Bad:
        value = reading.scalar(node) if node.id == "scalar" and node.tag in (INT, FLOAT) else None
        if not isinstance(value, int | float) or not 0 <= value <= 100:
            return value if isinstance(value, Bad) else reading.wrong_kind(node, self.label)
        return float(value)

    def schema(self) -> Mapping[str, Any]:
        return {"type": "number", "minimum": 0, "maximum": 100}


GATE = table(
    Field("command", COMMAND, "What is run: words, without a shell. `{report}` stands for a file for its report."),
    Field("parser", Choice(*(parser.value for parser in Parser)), "How its report is read.", default="exit-code"),
    Field("report", _PATH, "The file that it writes its report to.", default="`{report}`, else standard output"),
    Field("severity", Choice("blocking", "warning"), "Whether its failure blocks.", default="blocking"),
    Field("paths", ListOf(_PATH, "a list of paths"), "What is examined where a step does not say.", default="all"),
    Field("timeout", Duration(), "How long an attempt may take where a step does not say.", default="30m"),
    Field("min_examined", Whole(0), "Fewer files or tests are `vacuous`; 0 takes a report without any.", default="1"),
    Field("floor", Percent(), "Of `coverage` only: how many percent must be covered.", default="the tool's own"),
    Field("enabled", Flag(), "`false` switches it off: its verdict is `skipped`, which is no pass.", default="true"),
)
KEYRING = table(
    Field("service", Text(), "The service.", required=True), Field("user", Text(), "The user.", required=True)
)
SECRET = table(
    Field("env", _VARIABLE, "The environment variable that holds it."),
    Field("file", Text("a path"), "The file that holds it; `~` is the home folder, else relative to the project."),
    Field("keyring", Record(KEYRING), "The entry of the system's keyring; needs `nofx-cli[keyring]`."),
    Field("command", COMMAND, "The command that prints it: words, without a shell."),
)
APPROVALS = table(
    Field(
        "weakened",
        Choice(*(one.value for one in Weakened)),
        "What a gate does that passed, but was weakened by a step of the run: ask a person, fail, or only tell.",
        default="ask",
    ),
)


class Scopes:
    """Scopes of secrets by name, each a mapping of variables to where their values come from."""

    label = "a mapping of scopes"

    def __init__(self) -> None:
        self._secrets = Declared(SECRET, _VARIABLE, "secret")

    def read(self, node: Node, reading: Reading) -> list[tuple[str, list[Entry]]] | Bad:
        if node.id != "mapping" or node.tag != MAP:
            return reading.wrong_kind(node, self.label)
        scopes: dict[str, list[Entry]] = {}
        for key, value in node.value:
            name = SCOPE.read(key, reading)
            entries = self._secrets.read(value, reading)
            if not isinstance(name, str) or isinstance(entries, Bad):
                continue
            if name in scopes:
                reading.duplicate(key)
            scopes[name] = entries
        return list(scopes.items())

    def schema(self) -> Mapping[str, Any]:
        return {"type": "object", "additionalProperties": self._secrets.schema()}


class Models:
    """What `models:` takes. Its table is loaded only where a file has that."""

    label = "a mapping"

    def read(self, node: Node, reading: Reading) -> Found | Bad:
        from nofx_cli.planning.model_settings import MODELS

        return Record(MODELS).read(node, reading)

    def schema(self) -> Mapping[str, Any]:
        from nofx_cli.planning.model_settings import MODELS

        return Record(MODELS).schema()


class Notify:
    """What `notify:` takes. Its table is loaded only where a file has that."""

    label = "a mapping"

    def read(self, node: Node, reading: Reading) -> list[Entry] | Bad:
        from nofx_cli.planning.notify_settings import NOTIFY

        return NOTIFY.read(node, reading)

    def schema(self) -> Mapping[str, Any]:
        from nofx_cli.planning.notify_settings import NOTIFY

        return NOTIFY.schema()


PROJECT = table(
    Field("policy", Record(POLICY), "What any plan of the project may use at most."),
    Field("gates", Declared(GATE, _GATE_NAME, "gate"), "Gates of the project's own, and settings of built-in ones."),
    Field("secrets", Scopes(), "Scopes of secrets: where each value comes from."),
    Field("approvals", Record(APPROVALS), "When people are asked."),
    Field("models", Models(), "Which models are asked, where they are, and what they cost."),
    Field("agents", AGENTS, "Coding agents, by the name that stands behind `agent:`."),
    Field("databases", DATABASES, "Databases that `db_write` may change, by the name that steps give."),
    Field("notify", Notify(), "Who is told of events of runs: webhooks, by name."),
    Field("budget", Record(PROJECT_BUDGET), "What all runs together may spend.", default="no limit"),
)


def load_project_rules(text: str, *, source: str) -> ProjectRules:
    """Read these parts of the text of a `nofx.yaml`; single settings in it are not looked at.

    Raises:
        errors.InvalidInput: it has faults; all of them are told (code `settings-invalid`).
    """
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return ProjectRules()
    report = Report(source, text)
    try:
        return _load(text, report)
    except errors.InvalidInput:
        found = [_of_settings(one) for one in sorted(report.found, key=lambda one: (one.line, one.column))]
        found = without_secrets(found, text, report.source)
        context = {"diagnostics": to_json(found)}
        raise errors.InvalidInput(render(found), code="settings-invalid", context=context) from None


def _load(text: str, report: Report) -> ProjectRules:
    root = compose(text, report)
    if root.id != "mapping" and root.tag != NULL:
        report.at_node("plan-syntax", root, "the settings must be a mapping of keys to values")
        report.stop_if_any()
    if root.id != "mapping":
        return ProjectRules()
    reading = Reading(report)
    ours = [(key, value) for key, value in root.value if key.id == "scalar" and key.value in PROJECT]
    found = Found()
    for key, value in ours:
        name = str(key.value)
        if name in found.nodes:
            reading.duplicate(key)
            continue
        found.nodes[name] = value
        reading.field = name
        result = PROJECT[name].kind.read(value, reading)
        if result is not BAD:
            found.values[name] = result
    rules = _rules(found, reading)
    report.stop_if_any()
    return rules


def _rules(found: Found, reading: Reading) -> ProjectRules:
    values: Mapping[str, Any] = found.values
    source = reading.report.source
    approvals = values.get("approvals")
    weakened = str(approvals.values.get("weakened", "ask")) if isinstance(approvals, Found) else "ask"
    return ProjectRules(
        policy=level_of(values.get("policy")),
        gates={entry.name: _gate(entry, reading) for entry in values.get("gates", ())},
        secrets={scope: _scope(scope, entries, reading) for scope, entries in values.get("secrets", ())},
        weakened=Weakened(weakened),
        models=_models(found, reading),
        agents=agents_of(values.get("agents", ()), reading),
        budget=project_budget_of(found, source),
        policy_budget=budget_of(values.get("policy"), source),
        databases=databases_of(values.get("databases", ()), _declared_secrets(found), reading),
        database_approval=asks_for_of(values.get("policy"), source),
        notify=_notify(found, reading),
    )


def _models(found: Found, reading: Reading) -> "ModelsSpec | None":
    models = found.values.get("models")
    if not isinstance(models, Found):
        return None
    from nofx_cli.planning.model_settings import models_of

    return models_of(models, _declared_secrets(found), reading)


def _notify(found: Found, reading: Reading) -> "Mapping[str, NotifyTarget]":
    entries: Any = found.values.get("notify")
    if not entries:
        return {}
    from nofx_cli.planning.notify_settings import targets_of

    return targets_of(entries, _declared_secrets(found), reading)


def _declared_secrets(found: Found) -> frozenset[str] | None:
    """What is declared, each as `<scope>/<NAME>`; None where that could not be read."""
    if "secrets" in found.nodes and "secrets" not in found.values:
        return None
    scopes: Any = found.values.get("secrets", ())
    return frozenset(f"{scope}/{entry.name}" for scope, entries in scopes for entry in entries)


def _gate(entry: Entry, reading: Reading) -> GateSpec:
    values: Mapping[str, Any] = entry.found.values
    given = {name: value for name, value in values.items() if name in ("report", "paths", "min_examined", "enabled")}
    if "command" not in entry.found.nodes:
        _only_with_command(entry, reading)
    if "floor" in values and entry.name != "coverage":
        reading.bad_value(entry.found.nodes["floor"], f"`floor` is for `coverage`, not for gate {quoted(entry.name)}")
    return GateSpec(
        entry.name,
        command=words_of(values.get("command", ())),
        parser=Parser(values.get("parser", "exit-code")),
        severity=Severity(values["severity"]) if "severity" in values else None,
        timeout_ms=values.get("timeout"),
        floor=values.get("floor"),
        source=place_of(entry.node, reading),
        **given,
    )


def _only_with_command(entry: Entry, reading: Reading) -> None:
    for name in ("parser", "report"):
        if name in entry.found.nodes:
            message = f"`{name}` of gate {quoted(entry.name)} is for a gate that has a `command`"
            reading.bad_value(entry.found.nodes[name], message)


def _scope(scope: str, entries: Sequence[Entry], reading: Reading) -> tuple[SecretSpec, ...]:
    specs = (_secret(scope, entry, reading) for entry in entries)
    return tuple(spec for spec in specs if spec is not None)


def _secret(scope: str, entry: Entry, reading: Reading) -> SecretSpec | None:
    values: Mapping[str, Any] = entry.found.values
    kinds = [kind for kind in SecretKind if kind.value in entry.found.nodes]
    if len(kinds) != 1:
        said = f"says {' and '.join(kinds)}" if kinds else f"is {describe(entry.node)} without a source"
        hint = "say one of env, file, keyring, command"
        reading.bad_value(entry.node, f"secret {quoted(entry.name)} of scope {quoted(scope)} {said}", hint=hint)
        return None
    value = values.get(kinds[0].value)
    if value is None:
        return None
    if isinstance(value, Found):
        where: tuple[str, ...] = (str(value.values.get("service", "")), str(value.values.get("user", "")))
    else:
        where = words_of(value) if kinds[0] is SecretKind.COMMAND else (str(value),)
    return SecretSpec(scope, entry.name, kinds[0], where, place_of(entry.node, reading))


def _of_settings(found: Diagnostic) -> Diagnostic:
    return replace(found, code=found.code.replace("plan-", "settings-", 1))
