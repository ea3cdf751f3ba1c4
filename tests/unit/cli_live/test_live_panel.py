"""The question of a waiting step: what is shown, what it is bound to, and the keys."""

from collections.abc import Sequence

from nofx_cli.cli.live.desk import Desk
from tests.unit.cli_live.stage import EVIL, RUN, Stage, step

DIFF = "--- a/notes.md\n+++ b/notes.md\n@@ -1 +1,2 @@\n # Notes\n-old\n+new\n+more\n"


def _asking(*names: str, **shown: object) -> Stage:
    stage = Stage(*(step(name) for name in names))
    stage.tell(*(stage.request(name, f"run {name} (shell)?", **shown) for name in names))
    return stage


def _panel(frame: Sequence[str]) -> list[str]:
    first = next(place for place, line in enumerate(frame) if "╭" in line)
    return list(frame[first : next(place for place, line in enumerate(frame) if "╰" in line) + 1])


def test_difference_is_shown_with_what_it_is_bound_to() -> None:
    preview = {"path": "notes.md", "change": "replace", "digest": "a" * 64, "bytes": 9, "diff": DIFF}
    stage = _asking("notes", preview=preview, inputs={"path": "notes.md", "content": "new\nmore\n"})
    digest = stage.board().questions()[0].approval.digest[:12]  # type: ignore[union-attr] # it asks
    assert _panel(stage.frame(stage.board(), columns=60)) == [
        " ╭─ notes waits for you ──────────────────────────────────╮",
        " │ run notes (shell)?                                     │",
        " │                                                        │",
        " │ diff  --- a/notes.md                                   │",
        " │       +++ b/notes.md                                   │",
        " │       @@ -1 +1,2 @@                                    │",
        " │        # Notes                                         │",
        " │       -old                                             │",
        " │       +new                                             │",
        " │       +more                                            │",
        f" │ bound to {digest}                                  │",
        " ╰─ a approve  r reject  w waive  v view all ─────────────╯",
    ]


def test_command_is_shown_as_it_would_be_typed() -> None:
    stage = _asking("publish", preview={"argv": ["./publish.sh", "--to", "the world"], "cwd": "."})
    assert any("command  ./publish.sh --to 'the world'" in line for line in stage.frame(stage.board()))


def test_artifacts_and_environment_are_shown() -> None:
    stage = _asking("publish", env={"LANG": "C.UTF-8"}, artifacts={"build": {"app.tar": "c" * 64}})
    frame = "\n".join(stage.frame(stage.board()))
    assert "env.LANG  C.UTF-8" in frame
    assert "artifact  build/app.tar  cccccccccccc…" in frame


def test_little_room_shows_the_beginning_and_says_how_much_more() -> None:
    stage = _asking("notes", preview={"diff": "".join(f"+line {number}\n" for number in range(100))})
    panel = _panel(stage.frame(stage.board(), lines=16))
    assert "diff  +line 0" in panel[2]
    assert "more lines, v shows all" in panel[-2]
    assert len(panel) < 14


def test_several_questions_stand_in_a_row() -> None:
    stage = _asking("notes", "publish")
    board = stage.board()
    desk = stage.desk(board)
    assert "▸1 notes   2 publish" in _panel(stage.frame(board, desk))[1]
    desk.press(["down"])
    panel = _panel(stage.frame(board, desk))
    assert "publish waits for you" in panel[0]
    assert " 1 notes  ▸2 publish" in panel[1]
    assert "↑↓ choose" in panel[-1]


def test_keys_take_two_lines_on_a_narrow_terminal() -> None:
    stage = _asking("notes")
    panel = _panel(stage.frame(stage.board(), columns=40))
    assert panel[-2] == " │ a approve  r reject  w waive       │"
    assert panel[-1] == " ╰─ v view all ───────────────────────╯"


def test_leaving_is_offered_when_nothing_runs() -> None:
    stage = _asking("notes")
    board = stage.board()
    desk = stage.desk(board)
    assert "d leave" not in _panel(stage.frame(board, desk))[-1]
    desk.may_leave = True
    assert "d leave" in _panel(stage.frame(board, desk))[-1]


def test_without_keys_the_command_to_type() -> None:
    stage = _asking("notes")
    board = stage.board()
    panel = _panel(stage.frame(board, stage.desk(board, is_open=False)))
    assert "notes waits for a person" in panel[0]
    assert f"nofx approve notes --run {RUN}" in panel[-1]


def test_note_is_typed_in_the_panel() -> None:
    stage = _asking("notes")
    board = stage.board()
    desk = stage.desk(board)
    desk.press(["w"])
    desk.press(list("not today"))
    assert "why? not today▏  Enter waives  Esc back" in _panel(stage.frame(board, desk))[-1]


def test_end_of_a_long_note_stays_in_sight() -> None:
    stage = _asking("notes")
    board = stage.board()
    desk = stage.desk(board)
    desk.press(["r"])
    desk.press([*("x" * 90), *"the end"])
    assert any("the end▏" in line for line in _panel(stage.frame(board, desk)))


def test_refusal_is_shown() -> None:
    stage = _asking("notes")
    board = stage.board()
    desk: Desk = stage.desk(board)
    desk.press(["a"])
    assert "approving…" in _panel(stage.frame(board, desk))[-1]
    desk.refused("it has changed since it was shown")
    panel = _panel(stage.frame(board, desk))
    assert "it has changed since it was shown" in panel[-2]
    assert "a approve" in panel[-1]


def test_text_that_was_changed_is_not_shown() -> None:
    stage = _asking("notes", inputs={"secret": "innocent"})
    stage.documents = {path: text.replace("innocent", "other") for path, text in stage.documents.items()}
    frame = "\n".join(stage.frame(stage.board(), columns=120))
    assert "what was kept for this question is not what was asked about: it was changed" in frame
    assert "other" not in frame


def test_text_that_is_gone_is_told() -> None:
    stage = _asking("notes")
    stage.documents.clear()
    assert any("what is to be shown cannot be read" in line for line in stage.frame(stage.board()))


def test_foreign_text_in_a_question_is_harmless() -> None:
    stage = _asking("notes", inputs={EVIL: EVIL}, preview={"diff": f"+{EVIL}\n", "argv": [EVIL]})
    frame = stage.frame(stage.board())
    assert all(line.isprintable() for line in frame)
    assert any("red\\u202egpj" in line for line in frame)
