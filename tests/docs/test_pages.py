"""The pages hold together: links lead somewhere, commands exist, and what was promised to be there is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.pages.commands import options
from nofx_cli import __version__
from nofx_cli.cli.lazy_group import COMMANDS

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
WORDS_OF_THE_DESIGN = (
    "plan", "run", "step", "attempt", "tool", "handler", "gate", "approval", "workspace", "artifact", "journal", "fold",
    "append", "claim", "backoff", "digest", "redact", "actor", "verdict", "head", "store", "worker", "job",
    "dead letter", "backpressure", "hold", "standing",
)  # fmt: skip

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def code(text: str) -> str:
    """What stands in blocks of code and between backticks, a line each."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", without_code(text))])


def anchors(page: Path) -> set[str]:
    """The anchors that a forge makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text(encoding="utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text(encoding="utf-8"))):
        if "://" not in target:
            place, _, anchor = target.partition("#")
            yield ((page.parent / place).resolve() if place else page), anchor


@pages
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target.relative_to(REPOSITORY)}, which is not there"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to #{anchor} of {target.name}"


@pages
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    text = code(page.read_text(encoding="utf-8"))
    named = set(re.findall(r"^(?:\$ )?nofx ([a-z][a-z-]*)", text, flags=re.MULTILINE))
    assert named <= set(COMMANDS), f"{page.name} names {named - set(COMMANDS)}"


OPTIONS = options()
GROUPS = {name.partition(" ")[0] for name in OPTIONS if " " in name}


def command_in(words: str) -> str:
    """The name of the command that was typed: two words, one, or a group that is only spoken of."""
    first, second, *_ = [*words.split(), "", ""]
    return f"{first} {second}" if f"{first} {second}" in OPTIONS else first


@pages
def test_every_option_that_a_page_gives_to_a_command_exists(page: Path) -> None:
    text = code(page.read_text(encoding="utf-8"))
    for words in re.findall(r"^(?:\$ )?nofx ([a-z][^|>;\n#]*)", text, re.MULTILINE):
        command = command_in(words)
        named = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", re.sub(r"\"[^\"]*\"", "", words)))
        there = OPTIONS[command] if command not in GROUPS else OPTIONS.get(command, set())
        assert named <= there, f"{page.name}: nofx {command} has no {named - there}"


def test_a_command_is_known_with_its_group_and_a_group_without_its_commands() -> None:
    assert command_in("worker stop --now") == "worker stop"
    assert command_in("worker --drain") == "worker"
    assert command_in("queue") in GROUPS
    assert {"--drain", "--concurrency"} <= OPTIONS["worker"]
    assert "--drain" not in OPTIONS["worker stop"]


@pages
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    text = code(page.read_text(encoding="utf-8"))
    named = set(re.findall(r"^(?:\$ )?make ([a-z-]+)", text, flags=re.MULTILINE))
    assert named <= targets, f"{page.name} names {named - targets}"


@pages
def test_a_page_has_one_title_and_ends_in_a_newline(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^# ", without_code(text), flags=re.MULTILINE)) == 1
    assert text.startswith("# ")
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@pytest.mark.parametrize("word", WORDS_OF_THE_DESIGN)
def test_the_glossary_has_the_words_of_the_trade(word: str) -> None:
    glossary = (REPOSITORY / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert re.search(rf"^\*\*{word}\*\*\n: \S", glossary, flags=re.MULTILINE)


def test_the_glossary_is_in_the_order_of_the_alphabet() -> None:
    words = re.findall(r"^\*\*(.+)\*\*$", (REPOSITORY / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert words == sorted(words)


def test_decisions_are_numbered_without_gaps_and_a_page_at_most() -> None:
    decisions = sorted((REPOSITORY / "docs" / "decisions").glob("*.md"))
    assert [int(page.name[:4]) for page in decisions] == list(range(1, len(decisions) + 1))
    assert all(len(page.read_text(encoding="utf-8").splitlines()) <= 60 for page in decisions)


def test_the_changelog_tells_of_this_version() -> None:
    assert f"\n## {__version__}\n" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_guarantee_is_told_in_the_words_that_were_agreed() -> None:
    page = (REPOSITORY / "docs" / "explanation" / "guarantees.md").read_text(encoding="utf-8")
    told = " ".join(page.replace("\n> ", " ").split())
    assert "**A step attempt starts at most once, and its result is committed at most once.**" in told
    assert "after a crash it is asked to *reconcile* (done, not done, unknown), and `unknown` goes to a person." in told


def test_nothing_is_promised_to_happen_exactly_once() -> None:
    for page in PAGES:
        text = " ".join(page.read_text(encoding="utf-8").split())
        for found in re.finditer(r"exactly once", text):
            assert re.search(r"\bno\b|\bnot\b|That the outside", text[max(0, found.start() - 120) : found.end()]), (
                page.name
            )
