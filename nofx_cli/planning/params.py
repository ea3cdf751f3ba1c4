"""The parameters of a run: what was given, held against what the plan declares."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.plan import Param, Plan
from nofx_cli.planning.declared import LABELS, fits
from nofx_cli.planning.document import compose, read_plan_text
from nofx_cli.planning.reading import Bad, Reading, describe
from nofx_cli.planning.report import Report, did_you_mean, quoted


class _Misfit(ValueError):
    pass


def resolve_params(plan: Plan, given: Mapping[str, JsonValue], *, source: str = "-p") -> JsonObject:
    """The value of every declared parameter, in the order of the plan; null where an optional one has none.

    A text for a parameter of another type is read as that type, so that `-p count=3` gives a number.

    Raises:
        errors.InvalidInput: something is missing, unknown or does not fit (code `params-invalid`); the message has
            one line for each fault.
    """
    faults = list(_unknown(plan, given, source))
    values: dict[str, JsonValue] = {}
    for param in plan.params:
        if param.name in given:
            try:
                values[param.name] = _fitted(param, given[param.name])
            except _Misfit as exc:
                faults.append(f"{source} {param.name}: error[plan-bad-param]: {exc}")
        elif param.required:
            about = f" ({param.description})" if param.description else ""
            message = f"parameter {quoted(param.name)} is required{about}"
            faults.append(f"{source} {param.name}: error[plan-missing-param]: {message}")
        else:
            values[param.name] = param.default
    if faults:
        raise errors.InvalidInput(
            "\n".join(faults), code="params-invalid", hint=_hint(plan), context={"faults": faults}
        )
    return values


def read_params_file(path: Path) -> JsonObject:
    """The mapping in a YAML file, or, where its name ends in `.json`, a JSON file.

    Raises:
        PlanInvalid: it cannot be read as that, or is no mapping.
        errors.NotFound: it is not there.
    """
    text = read_plan_text(path)
    report = Report(str(path), text)
    if path.suffix == ".json":
        return _read_json(text, report)
    root = compose(text, report)
    value = Reading(report).json(root)
    report.stop_if_any()
    if isinstance(value, Bad) or not isinstance(value, Mapping):
        report.at_node("plan-bad-type", root, f"a file of parameters is a mapping, not {describe(root)}")
        raise report.invalid()
    return value


def _unknown(plan: Plan, given: Mapping[str, JsonValue], source: str) -> Iterator[str]:
    declared = [param.name for param in plan.params]
    for name in given:
        if name not in declared:
            near = did_you_mean(name, declared)
            message = f"the plan declares no parameter {quoted(name)}{'; ' if near else ''}{near}"
            yield f"{source} {name}: error[plan-unknown-param]: {message}"


def _fitted(param: Param, value: JsonValue) -> JsonValue:
    fitted = _converted(param.type, value) if isinstance(value, str) else value
    if not fits(fitted, param.type):
        remedy = "; put it in quotes" if param.type == "string" and isinstance(value, int | float) else ""
        raise _Misfit(f"{quoted(_shown(value))} is not {LABELS[param.type]}{remedy}")
    if param.choices and fitted not in param.choices:
        raise _Misfit(f"{quoted(_shown(value))} is none of {', '.join(quoted(_shown(c)) for c in param.choices)}")
    return fitted


def _converted(type_name: str, text: str) -> JsonValue:
    """The text as a value of that type; as it stands where it is none."""
    if type_name == "boolean" and text in ("true", "false"):
        return text == "true"
    try:
        if type_name in ("integer", "number") and re.fullmatch(r"[-+]?[0-9]+", text):
            return int(text)
        if type_name == "number" and re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
            number = float(text)
            return number if number - number == 0 else text
    except ValueError as exc:
        raise _Misfit(f"{quoted(text)} cannot be read as a number") from exc
    return text


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=dict)


def _hint(plan: Plan) -> str:
    declared = ", ".join(f"{param.name} ({param.type})" for param in plan.params)
    return f"the plan takes: {declared}" if declared else "the plan takes no parameters"


def _read_json(text: str, report: Report) -> JsonObject:
    def refuse(constant: str) -> JsonValue:
        raise _Misfit(f"{quoted(constant)} is a number that JSON does not have")

    def unique(pairs: list[tuple[str, JsonValue]]) -> JsonValue:
        seen: dict[str, JsonValue] = {}
        for name, value in pairs:
            if name in seen:
                raise _Misfit(f"{quoted(name)} is there twice")
            seen[name] = value
        return seen

    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=refuse, object_pairs_hook=unique)
    except json.JSONDecodeError as exc:
        report.at("plan-syntax", exc.lineno - 1, exc.colno - 1, f"this is no JSON: {exc.msg}")
        raise report.invalid() from exc
    except (ValueError, RecursionError) as exc:
        report.at("plan-syntax", 0, 0, str(exc))
        raise report.invalid() from exc
    if not isinstance(value, dict):
        report.at("plan-bad-type", 0, 0, "a file of parameters is an object")
        raise report.invalid()
    return value
