"""The JSON Schema of plans, for editors. `python -m nofx_cli.planning.schema` prints it."""

import json

from nofx_cli.domain.ids import JsonObject
from nofx_cli.planning.fields import PLAN
from nofx_cli.planning.structures import record_schema


def plan_schema() -> JsonObject:
    """JSON Schema, draft 2020-12, of what the checker takes; what can only be told of the whole plan is left out."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nofx plan",
        "description": "What nofx is to do: steps, the tools they use, and what each one needs.",
        **record_schema(PLAN),
    }


def plan_schema_text() -> str:
    """The schema as `docs/reference/plan.schema.json` has it."""
    return json.dumps(plan_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(plan_schema_text())
