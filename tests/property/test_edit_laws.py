"""Laws of edits: what a diff or blocks of two texts say gives the second from the first; nothing but refusals else."""

import subprocess
from difflib import SequenceMatcher, unified_diff
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import assume, given
from hypothesis import strategies as st

from nofx_cli.domain.models import EditFormat
from nofx_cli.handlers.edits.answer_lines import lines_of
from nofx_cli.handlers.edits.api import FileEdit, Refused, apply_changes, parse, plan_changes

NAME = "dir/some file.txt"
ENDS = st.sampled_from(["\n", "\r\n"])
WORDS = st.text(st.sampled_from("ab \t-+@\\\\=#<>.~`\u00e9\u2028\x0c\r"), max_size=6)
LINES = st.lists(
    st.sampled_from(["a", "b", "", "x = 1", "-- a", "++ b", "@@ -1 +1 @@", "```", "\\ x", "é", "  "]), max_size=12
)
ANY_LINES = st.lists(WORDS, max_size=12)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A text of few different lines, so that they repeat, with any ends of lines, with or without the last one."""
    lines = draw(st.one_of(LINES, ANY_LINES))
    text = "".join(line + draw(ENDS) for line in lines)
    return text if draw(st.booleans()) else text.removesuffix("\n").removesuffix("\r")


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same with some of its lines removed, replaced or added to."""
    old = draw(texts())
    lines = lines_of(old)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines)))
        lines[at : at + draw(st.integers(0, 2))] = lines_of(draw(texts()))
    return old, "".join(lines)


def difflib_diff(old: str, new: str, context: int = 3) -> str:
    before, after = lines_of(old), lines_of(new)
    source = f"a/{NAME}" if old else "/dev/null"
    diff = unified_diff(before, after, source, f"b/{NAME}", n=context)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in diff)


def blocks(old: str, new: str) -> str:
    """Search/replace blocks that turn one text into another; the lines of the first are all different."""
    before, after, parts = lines_of(old), lines_of(new), []
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, low, high, from_, to in matcher.get_opcodes():
        if tag == "equal":
            continue
        is_insertion = low == high  # takes in the line before it, or the one behind
        above, below = int(is_insertion and low > 0), int(is_insertion and low == 0)
        search, replace = "".join(before[low - above : high + below]), "".join(after[from_ - above : to + below])
        parts.append(f"{NAME}\n<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n")
    return "".join(parts)


def outcome(folder: Path, old: str, answer: str, form: EditFormat) -> str:
    """What becomes of a file."""
    workspace, store = folder / "workspace", folder / "store"
    place = workspace / NAME
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(old.encode())
    changes = plan_changes(parse(answer, form), workspace, store=store, check_write=lambda path: None)
    apply_changes(changes, workspace, store=store)
    return place.read_bytes().decode() if place.exists() else ""


@given(pairs())
def test_a_diff_of_difflib_gives_the_other_text(pair: tuple[str, str]) -> None:
    old, new = pair
    assume(old != new)
    with TemporaryDirectory() as folder:
        assert outcome(Path(folder), old, difflib_diff(old, new), EditFormat.UNIFIED_DIFF) == new


@given(pairs())
def test_a_diff_of_git_gives_the_other_text(pair: tuple[str, str]) -> None:
    old, new = pair
    assume(old != new)
    with TemporaryDirectory() as folder:
        answer = git_diff(Path(folder), old, new)
        assert outcome(Path(folder), old, answer, EditFormat.UNIFIED_DIFF) == new


def git_diff(folder: Path, old: str, new: str) -> str:
    for name, text in (("a", old), ("b", new)):
        place = folder / name / NAME
        place.parent.mkdir(parents=True)
        place.write_bytes(text.encode())
    command = ["git", "diff", "--no-index", "--no-color", "--text", "--no-prefix", f"a/{NAME}", f"b/{NAME}"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout.decode()


@st.composite
def distinct(draw: st.DrawFn) -> tuple[str, str]:
    """Two texts whose lines are all different, the second made of lines of the first and others."""
    end = draw(ENDS)
    lines = draw(st.lists(st.text("abcdef", min_size=3, max_size=8), min_size=1, max_size=10, unique=True))
    after = [line for line in lines if draw(st.booleans())]
    for line in draw(st.lists(st.text("uvwxyz", min_size=3, max_size=8), max_size=4, unique=True)):
        after.insert(draw(st.integers(0, len(after))), line)
    old, new = ("".join(line + end for line in some) for some in (lines, after))
    assume(new and old != new)
    return old, new


@given(distinct(), st.integers(-3, 3), st.integers(0, 3))
def test_wrong_numbers_and_counts_give_the_same(pair: tuple[str, str], shift: int, more: int) -> None:
    old, new = pair
    answer = "".join(_with_wrong_numbers(line, shift, more) for line in lines_of(difflib_diff(old, new)))
    with TemporaryDirectory() as folder:
        assert outcome(Path(folder), old, answer, EditFormat.UNIFIED_DIFF) == new


def _with_wrong_numbers(line: str, shift: int, more: int) -> str:
    if not line.startswith("@@ -") or not line.endswith(" @@\n"):
        return line
    numbers = [part[1:].split(",") for part in line.split()[1:3]]
    (start, *old), (other, *new) = numbers
    counts = [int(one[0]) + more if one else 1 + more for one in (old, new)]
    return f"@@ -{max(int(start) + shift, 1)},{counts[0]} +{max(int(other) + shift, 1)},{counts[1]} @@\n"


@given(distinct())
def test_blocks_of_two_texts_give_the_second(pair: tuple[str, str]) -> None:
    old, new = pair
    answer = blocks(old, new)
    with TemporaryDirectory() as folder:
        assert outcome(Path(folder), old, answer, EditFormat.SEARCH_REPLACE) == new
        assert outcome(Path(folder), old, answer.replace("\r\n", "\n"), EditFormat.SEARCH_REPLACE) == new


@given(distinct())
def test_what_is_there_already_is_not_done_again(pair: tuple[str, str]) -> None:
    old, new = pair
    answers = {EditFormat.SEARCH_REPLACE: blocks(old, new), EditFormat.UNIFIED_DIFF: difflib_diff(old, new)}
    with TemporaryDirectory() as folder:
        for form, answer in answers.items():
            try:
                again = outcome(Path(folder), new, answer, form)
            except Refused:  # what only removed lines cannot be told from what never was
                continue
            assert again == new


@given(texts())
def test_a_whole_file_is_what_the_answer_has(text: str) -> None:
    assume("~" not in text)
    ended = text if text.endswith("\n") or not text else text + "\n"
    with TemporaryDirectory() as folder:
        answer = f"`{NAME}`\n~~~~~~~~\n{ended}~~~~~~~~\n"
        try:
            assert outcome(Path(folder), "", answer, EditFormat.WHOLE) == ended
        except Refused as refused:
            check_told(refused, but="no path")


@given(st.text(), st.sampled_from(list(EditFormat)))
def test_any_text_is_edits_or_refused(text: str, form: EditFormat) -> None:
    check_parses_or_is_refused(text, form)


PIECES = st.sampled_from(
    [
        "```", "```python", "~~~~", "`a.py`", "a.py", "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE", "--- a/a.py",
        "+++ b/a.py", "@@ -1 +1 @@", "@@ -1,3 +1,9 @@", "@@", "-x", "+y", " z", "", "\\ No newline at end of file",
        "diff --git a/a.py b/a.py", "new file mode 100644", "rename from a", "rename to b", "GIT binary patch",
        "DELETE: a.py", "RENAME: a -> b", "# ...", "/dev/null", 'diff --git "a/\\303\\244" "b/\\303"', '--- "a/\\777"',
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=30), st.sampled_from(list(EditFormat)), st.sampled_from(["\n", "\r\n", "\r"]))
def test_any_pieces_of_answers_are_edits_or_refused(pieces: list[str], form: EditFormat, end: str) -> None:
    edits = check_parses_or_is_refused(end.join(pieces), form)
    with TemporaryDirectory() as folder:
        (Path(folder) / "a.py").write_text("x\nz\n")
        try:
            plan_changes(edits, Path(folder), store=Path(folder) / "store", check_write=lambda path: None)
        except Refused as refused:
            check_told(refused)


def check_parses_or_is_refused(text: str, form: EditFormat) -> tuple[FileEdit, ...]:
    try:
        edits = parse(text, form)
    except Refused as refused:
        check_told(refused)
        return ()
    assert edits
    return edits


def check_told(refused: Refused, *, but: str = "") -> None:
    assert refused.reasons
    assert all(refused.reasons)
    assert not but or all(but not in reason for reason in refused.reasons)
