"""What `notify:` of nofx.yaml becomes, and what it is told of; no secret is told."""

from collections.abc import Mapping

import pytest

from nofx_cli import errors
from nofx_cli.domain.notify import DEFAULT_EVENTS, NotifyTarget
from nofx_cli.planning.project_rules import load_project_rules

SECRETS = "secrets: {hooks: {KEY: {env: HOOK_KEY}, URL: {env: HOOK_URL}}}\n"


def load(text: str) -> Mapping[str, NotifyTarget]:
    return load_project_rules(f"{SECRETS}notify:\n  {text}", source="nofx.yaml").notify


def test_everything_arrives() -> None:
    one = "a: {url: 'https://x.example/y', events: [run.failed, 'step.*'], secret: hooks/KEY}"
    assert load(f"{one}\n  b: {{url: hooks/URL, format: slack}}") == {
        "a": NotifyTarget("a", "https://x.example/y", "webhook", ("run.failed", "step.*"), "hooks/KEY", "nofx.yaml:3"),
        "b": NotifyTarget("b", "hooks/URL", "slack", DEFAULT_EVENTS, "", "nofx.yaml:4"),
    }


def test_the_scopes_that_a_target_needs() -> None:
    assert NotifyTarget("a", "one/URL", secret="two/KEY").scopes == ("one", "two")
    assert NotifyTarget("a", "https://x.example", secret="two/KEY").scopes == ("two",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: {}", "`url` is missing in target `a`"),
        ("a: {url: 'x.example'}", "takes an address such as https://hooks.example.org/nofx"),
        ("a: {url: 'x.example/y'}", "an address begins with https://"),
        ("a: {url: 'https://me:pw@x.example'}", "a user stands before the host"),
        ("a: {url: hooks/UR}", "did you mean `hooks/URL`?"),
        ("a: {url: other/URL}", "declare it below `secrets`: other: {URL: {env: URL}}"),
        ("a: {url: hooks/URL, secret: hooks/KE}", "`secret` of target `a` names no declared secret"),
        ("a: {url: hooks/URL, format: teams}", "takes webhook or slack, not the text `teams`"),
        ("a: {url: hooks/URL, events: [run.fail]}", "did you mean `run.failed`?"),
        ("a: {url: hooks/URL, events: ['runs.*']}", "there is no event `runs.*`"),
        ("a: {url: hooks/URL, events: []}", "is empty"),
        ("a: {url: hooks/URL, evnts: []}", "did you mean `events`?"),
        ("a b: {url: hooks/URL}", "cannot be the name of a target"),
    ],
)
def test_what_is_wrong_is_told(text: str, fault: str) -> None:
    with pytest.raises(errors.InvalidInput) as told:
        load(text)
    assert told.value.code == "settings-invalid"
    assert fault in told.value.message


@pytest.mark.parametrize(
    "text",
    [
        "a: {url: 'https://hooks.slack.com/services/T0/B0/s3cr3t-s3cr3t'}",
        "a: {url: hooks/URL, secret: s3cr3t-s3cr3t}",
        "a: {url: s3cr3t-s3cr3t}",
        "a: {url: 'https://x.example/s3cr3t-s3cr3t', format: teams}",
    ],
)
def test_a_secret_that_stands_there_is_refused_and_not_told(text: str) -> None:
    with pytest.raises(errors.InvalidInput) as told:
        load(text)
    assert "s3cr3t" not in told.value.message
    assert "s3cr3t" not in str(told.value.context)


def test_targets_do_not_change_what_stands_for_the_rules() -> None:
    """A run need not be asked about anew because others are told of it."""
    plain = load_project_rules(SECRETS, source="nofx.yaml")
    telling = load_project_rules(f"{SECRETS}notify: {{a: {{url: hooks/URL}}}}", source="nofx.yaml")
    assert plain.digest == telling.digest
