"""The conversation about a question: keys in, decisions out."""

import pytest

from nofx_cli.cli.live.desk import Decide, Desk, Leave, Mode, Question, ShowAll
from nofx_cli.domain.ids import StepName

NOTES, PUBLISH = Question(StepName("notes"), "1" * 64), Question(StepName("publish"), "2" * 64)


@pytest.fixture
def desk() -> Desk:
    desk = Desk(is_open=True)
    desk.lay_out([NOTES, PUBLISH])
    return desk


def test_approves_at_one_key(desk: Desk) -> None:
    assert desk.press(["a"]) == Decide(NOTES, "granted")
    assert desk.mode is Mode.RECORDING


def test_takes_no_key_while_recording(desk: Desk) -> None:
    desk.press(["a"])
    assert desk.press(["a"]) is None
    assert desk.press(["r"]) is None


def test_rejects_with_or_without_a_note(desk: Desk) -> None:
    assert desk.press(["r"]) is None
    assert desk.press(["enter"]) == Decide(NOTES, "rejected")
    desk.refused("")
    desk.press(["r"])
    assert desk.press([*"too soon", "enter"]) == Decide(NOTES, "rejected", "too soon")


def test_waives_only_with_a_note(desk: Desk) -> None:
    desk.press(["w"])
    assert desk.press([" ", "enter"]) is None
    assert desk.message == "say why it is waived"
    assert desk.press([*"done by hand", "enter"]) == Decide(NOTES, "waived", "done by hand")


def test_note_can_be_mended_and_left(desk: Desk) -> None:
    desk.press(["w"])
    desk.press([*"abc", "backspace", "clear", *"xy", "backspace"])
    assert desk.note == "x"
    assert desk.press(["escape"]) is None
    assert desk.mode is Mode.CHOOSING
    desk.press(["w"])
    assert desk.note == ""


def test_burst_of_keys_decides_nothing(desk: Desk) -> None:
    """A pasted text that begins with an `a` must not approve."""
    assert desk.press(list("approve")) is None
    assert desk.mode is Mode.CHOOSING


def test_chooses_by_arrow_and_by_digit(desk: Desk) -> None:
    desk.press(["down"])
    assert desk.current == PUBLISH
    desk.press(["down"])
    assert desk.current == NOTES
    desk.press(["up"])
    assert desk.current == PUBLISH
    desk.press(["1"])
    assert desk.current == NOTES
    desk.press(["9"])
    assert desk.current == NOTES


@pytest.mark.parametrize("key", ["x", "other", "enter", "escape", "²", "0"])
def test_other_keys_do_nothing(desk: Desk, key: str) -> None:
    assert desk.press([key]) is None
    assert (desk.mode, desk.current) == (Mode.CHOOSING, NOTES)


def test_shows_all_of_the_question_at_hand(desk: Desk) -> None:
    desk.press(["2"])
    assert desk.press(["v"]) == ShowAll(PUBLISH)


def test_leaves_only_when_nothing_runs(desk: Desk) -> None:
    assert desk.press(["d"]) is None
    desk.may_leave = True
    assert desk.press(["d"]) == Leave()


def test_question_stays_at_hand_when_another_comes_before_it() -> None:
    desk = Desk(is_open=True)
    assert desk.lay_out([PUBLISH])
    desk.press(["r"])
    assert not desk.lay_out([NOTES, PUBLISH])
    assert (desk.current, desk.mode) == (PUBLISH, Mode.NOTING)


def test_answered_question_goes_and_the_next_is_taken_fresh(desk: Desk) -> None:
    desk.press(["a"])
    assert desk.lay_out([PUBLISH])
    assert (desk.current, desk.mode) == (PUBLISH, Mode.CHOOSING)


def test_same_step_asked_anew_keeps_the_refusal_in_sight(desk: Desk) -> None:
    desk.press(["a"])
    desk.refused("it has changed")
    assert desk.lay_out([Question(NOTES.step, "3" * 64), PUBLISH])
    assert desk.message == "it has changed"
    assert desk.press(["a"]) == Decide(Question(NOTES.step, "3" * 64), "granted")


def test_nothing_asked_nothing_taken() -> None:
    desk = Desk(is_open=True)
    assert desk.press(["a"]) is None
