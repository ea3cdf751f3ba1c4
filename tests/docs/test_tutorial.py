"""The tutorial and the how-to pages, typed as they are written: what they show is what is printed."""

from pathlib import Path

import pytest

from tests.docs.typist import Command, File, covered, is_shown, pieces, type_page

DOCS = Path(__file__).resolve().parents[2] / "docs"
TYPED = sorted(
    page
    for page in [DOCS / "tutorial.md", *(DOCS / "how-to").glob("*.md")]
    if any(isinstance(piece, Command) for piece in pieces(page.read_text("utf-8")))
)


@pytest.mark.acceptance
@pytest.mark.parametrize("page", TYPED, ids=lambda page: page.stem)
def test_a_page_shows_what_is_printed(page: Path, tmp_path: Path) -> None:
    for command, printed in type_page(page.read_text("utf-8"), folder=tmp_path):
        assert is_shown(command.shown, printed), (
            f"{page.name}: $ {command.typed}\n\nshown:\n{covered(command.shown)}\n\nprinted:\n{covered(printed)}"
        )


def test_the_pages_that_are_meant_to_be_typed_have_something_to_type() -> None:
    assert {page.stem for page in TYPED} >= {
        "tutorial",
        "ask-people",
        "go-on-after-a-crash",
        "mend-the-queue",
        "run-in-ci",
        "run-workers",
        "write-a-handler",
        "write-a-plan",
    }


PAGE = """\
# A page

Write `deep/words.txt`:

```text
one
two
```

```console
$ cat deep/words.txt
one
two
$ false
$ echo "$?, first" \\
> second
1, first second
```

```sh
not typed
```
"""


def test_a_page_is_files_and_commands_in_order(tmp_path: Path) -> None:
    assert pieces(PAGE) == [
        File("deep/words.txt", "one\ntwo\n"),
        Command("cat deep/words.txt", "one\ntwo"),
        Command("false", ""),
        Command('echo "$?, first" \\\nsecond', "1, first second"),
    ]
    assert all(is_shown(command.shown, printed) for command, printed in type_page(PAGE, folder=tmp_path))


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("run 20260101-000000-aaaaaa ran for 5s", "run 20261122-091530-7k3f9q   ran for 1m 12.5s"),
        ("head 27:02872658…", f"head 27:{'ab' * 32}"),
        ("first\n…\nlast", "first\nsecond\nthird\nlast\n"),
        ("first\n…\nlast", "first\nlast\n"),
        ("at 09:15:30.123 in …/here", "at 23:00:00.000 in /tmp/here"),
        ("worker w-laptop-3c9a1e-17715-8b21f0-1 is gone", "worker w-ci-7-f6028b-31-65bfd7-12 is gone"),
        ("w-laptop-3c9a1e-17715-8b21f0-1  alive  17715  laptop", "w-vm-f6028b-31-65bfd7-2  alive  31     ci-7"),
        ("Killed", "bash: line 9: 4711 Killed                  nofx run x.yaml"),
    ],
)
def test_what_differs_each_time_is_covered(shown: str, printed: str) -> None:
    assert is_shown(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("", "something"),
        ("run succeeded", ""),
        ("5 steps", "6 steps"),
        ("first", "first\nsecond"),
        ("first\nlast", "first\nsecond\nlast"),
        ("first …", "second first"),
        ("…\nlast", "first\nlast of all"),
    ],
)
def test_what_is_not_printed_is_found(shown: str, printed: str) -> None:
    assert not is_shown(shown, printed)
