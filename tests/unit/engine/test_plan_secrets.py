"""Plans and keys that hold secrets make no run; what is told does not hold them either."""

from dataclasses import replace
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.engine.plan_secrets import check_key_secrets, check_plan_secrets
from nofx_cli.safety.masking import Masker
from nofx_cli.testing.rig import Rig

TOKEN = "gh" + "p_" + "aZ9" * 12
KEY = "\n".join(["-----BEGIN PRIVATE KEY-----", *["aZ9+" * 16] * 3, "-----END PRIVATE KEY-----"])


def checked(tmp_path: Path, text: str, *values: str) -> None:
    masker = Masker(values)
    services = replace(Rig(tmp_path).services, mask_text=masker.text, mask=masker.data)
    check_plan_secrets(services, text, "p.yaml")


@pytest.mark.parametrize("text", ["a: b", "image: postgres\npassword: postgres", "a: swordfish"])
def test_words_are_let_through(tmp_path: Path, text: str) -> None:
    checked(tmp_path, text, "postgres", "swordfish")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (f"a: 1\nkey: {TOKEN}\nb: 2\nagain: <{TOKEN}>", [2, 4]),
        ("key: correct-horse-battery", [1]),
        ("key: Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5", [1]),
        (f"x: |\n{KEY}", [3, 4, 5]),
    ],
)
def test_secrets_are_refused_by_their_lines(tmp_path: Path, text: str, lines: list[int]) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        checked(tmp_path, text, "correct-horse-battery", KEY)

    error = refused.value
    assert error.code == "secret-in-plan"
    assert error.context == {"lines": lines}
    assert (
        error.message == f"the plan p.yaml holds a secret on line{'s' * (len(lines) > 1)} {', '.join(map(str, lines))}"
    )
    assert TOKEN not in error.message
    assert "correct" not in error.message


def test_a_key_with_a_secret_is_refused(tmp_path: Path) -> None:
    services = Rig(tmp_path).services
    check_key_secrets(services, "nightly-2026-11-22")

    with pytest.raises(errors.InvalidInput) as refused:
        check_key_secrets(services, f"nightly-{TOKEN}")

    assert refused.value.code == "secret-in-key"
