"""What is shown for an approval names the folders of the run, so that it is the same in another clone."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from nofx_cli.domain.ids import JsonValue
from nofx_cli.engine.anywhere import anywhere
from nofx_cli.engine.services import Services


def services(workspace: str = "/home/ada/shop", store: str = "/home/ada/shop/local_data") -> Services:
    return cast("Services", SimpleNamespace(workspace=Path(workspace), store_folder=Path(store)))


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("/home/ada/shop", "<workspace>"),
        ("-x=/home/ada/shop/local_data/x /home/ada/shop/.venv/bin/ruff", "-x=<store>/x <workspace>/.venv/bin/ruff"),
        ("/home/ada/shop2 /home/ada/shop-old x/home/ada/shop", "/home/ada/shop2 /home/ada/shop-old x/home/ada/shop"),
        ({"argv": ("cat", "/home/ada/shop/a"), "no": None}, {"argv": ["cat", "<workspace>/a"], "no": None}),
        ("plain", "plain"),
    ],
)  # fmt: skip
def test_folders_are_named(told: JsonValue, shown: JsonValue) -> None:
    assert anywhere(services(), told) == shown


def test_a_worktree_lies_in_the_store_and_goes_before_it() -> None:
    found = services("/s/.worktrees/20261122-091530-7k3f9q", "/s")
    assert anywhere(found, "/s/.worktrees/20261122-091530-7k3f9q/a /s/b") == "<workspace>/a <store>/b"


def test_the_root_is_no_folder_to_be_named() -> None:
    assert anywhere(services("/", "/s"), "/bin/sh /s/a") == "/bin/sh <store>/a"
