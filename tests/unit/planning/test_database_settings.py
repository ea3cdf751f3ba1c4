"""What `databases:` and `policy.database` become, and what is told of them."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.databases import AsksFor, DatabaseApproval, DatabaseSpec
from nofx_cli.domain.project import ProjectRules
from nofx_cli.handlers.registry import Registry
from nofx_cli.planning.load import load_plan
from nofx_cli.planning.project_rules import load_project_rules

SECRETS = "secrets: {shop: {URL: {env: A}, PASSWORD: {env: B}}}\n"


def load(text: str) -> ProjectRules:
    return load_project_rules(text, source="nofx.yaml")


def told(text: str) -> str:
    with pytest.raises(errors.InvalidInput) as found:
        load(text)
    return found.value.message


def test_everything_arrives() -> None:
    rules = load(
        f"{SECRETS}databases:\n  a: {{url: 'sqlite:var/a.db'}}\n"
        "  b: {url: postgresql://me@host/b, password: shop/PASSWORD, schema: sales}\n  c: {url: shop/URL}\n"
        "policy: {database: {approval: all}}\n"
    )
    assert rules.databases == {
        "a": DatabaseSpec("a", "sqlite:var/a.db", source="nofx.yaml:3"),
        "b": DatabaseSpec("b", "postgresql://me@host/b", "", "shop/PASSWORD", "sales", "nofx.yaml:4"),
        "c": DatabaseSpec("c", url_secret="shop/URL", source="nofx.yaml:5"),
    }
    assert rules.database_approval == AsksFor(DatabaseApproval.ALL, "nofx.yaml:6")


def test_rules_with_other_databases_are_other_rules() -> None:
    texts = [
        "",
        "databases: {a: {url: 'sqlite:a.db'}}",
        "databases: {a: {url: 'sqlite:b.db'}}",
        "policy: {database: {approval: none}}",
        "policy: {database: {approval: all}}",
    ]
    assert len({load(text).digest for text in texts}) == len(texts)
    assert load(texts[1]).digest == load(f"\n{texts[1]}").digest


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("databases: {a: {}}", "`url` is missing in database `a`"),
        ("databases: {a: {url: mysql://x/y}}", "takes sqlite:<path>, postgresql://user@host/name, or `<scope>/<NAME>`"),
        ("databases: {a: {url: 'sqlite:a.db', shema: x}}", "did you mean `schema`?"),
        ("databases: {a: {url: 'sqlite:a.db', schema: 'a b'}}", "`a b` cannot be the name of a schema"),
        (f"{SECRETS}databases: {{a: {{url: shop/URLS}}}}", "did you mean `shop/URL`?"),
        ("databases: {a: {url: shop/URL}}", "declare it: secrets: {shop: {URL: {env: URL}}}"),
        ("policy: {database: {approval: some}}", "`approval` of `database`"),
        ("policy: {database: {aproval: all}}", "did you mean `approval`?"),
    ],
)
def test_what_is_wrong_is_told(text: str, fault: str) -> None:
    assert fault in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "databases: {a: {url: 'postgresql://me:hidden@host/b'}}",
        "databases: {a: {url: 'postgresql://host/b?user=x&password=hidden'}}",
        "databases: {a: {url: 'postgresql://me@host/b', password: hidden}}",
        "databases: {a: {url: 'postgresql://me@host/b', password: {value: hidden}}}",
        "databases: {a: {url: 'postgresql://me@host/b', passwort: hidden}}",
        "databases: {a: {url: 'mysql://me:hidden@host/b'}}",
        "databases: {a: {url: 'postgresql://me@host/b', password: hidden/away}}",
    ],
)
def test_no_password_that_stands_there_is_told(text: str) -> None:
    assert "hidden" not in told(text).replace("declare the password", "")


def test_plan_and_step_say_when_they_are_asked(tmp_path: Path) -> None:
    plan = load_plan(
        "policy: {database: {approval: all}}\nsteps:\n"
        "  - {name: a, tool: shell, inputs: {command: x}, policy: {database: {approval: none}}}\n"
        "  - {name: b, tool: shell, inputs: {command: x}}\n",
        source="plan.yaml",
        handlers=Registry(tmp_path),
    )
    assert plan.database_approval == AsksFor(DatabaseApproval.ALL, "plan.yaml:1")
    assert [step.database_approval for step in plan.steps] == [AsksFor(DatabaseApproval.NONE, "plan.yaml:3"), None]
