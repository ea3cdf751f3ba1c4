"""A worker tells of the runs of every project that has somebody to tell, as the projects say it now."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nofx_cli.domain.notify import NotifyTarget
from nofx_cli.wiring import notify
from nofx_cli.wiring.worker import Telling

TEAM, DESK = NotifyTarget("team", "https://x.example"), NotifyTarget("desk", "https://y.example")


class FakeNotifier:
    def __init__(self, who: str) -> None:
        self.who = who
        self.finished = False

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[FakeNotifier]:
    """What was started to tell somebody, in order."""
    made: list[FakeNotifier] = []

    def notifier_of(_: object, services: Any, target: NotifyTarget) -> FakeNotifier:
        made.append(FakeNotifier(f"{services.workspace.name} {target.name}"))
        return made[-1]

    monkeypatch.setattr(notify, "notifier_of", notifier_of)
    monkeypatch.setattr(notify, "finished", lambda notifiers: [one.finish() for one in notifiers])
    return made


def _project(name: str, *targets: NotifyTarget) -> Any:
    said = {target.name: target for target in targets}
    return SimpleNamespace(workspace=Path("/projects") / name, rules=lambda: SimpleNamespace(notify=said), said=said)


def _telling(*projects: Any) -> tuple[Telling, list[Any]]:
    known = list(projects)
    return Telling(cast("Any", SimpleNamespace(layout=None)), cast("Any", SimpleNamespace(known=lambda: known))), known


def test_each_target_of_each_project_is_told_by_one(started: list[FakeNotifier]) -> None:
    telling, known = _telling(_project("one", TEAM, DESK))
    telling.look()
    telling.look()
    known.append(_project("two", TEAM))
    telling.look()
    assert [one.who for one in started] == ["one team", "one desk", "two team"]
    telling.finish()
    assert all(one.finished for one in started)


def test_what_a_project_says_anew_counts_while_the_worker_lives(started: list[FakeNotifier]) -> None:
    project = _project("one", TEAM)
    telling, _ = _telling(project)
    telling.look()
    project.said["team"] = NotifyTarget("team", "https://z.example")
    telling.look()
    assert [(one.who, one.finished) for one in started] == [("one team", True), ("one team", False)]
    project.said.clear()
    telling.look()
    assert all(one.finished for one in started)


def test_where_nobody_is_told_nothing_is_started(started: list[FakeNotifier]) -> None:
    telling, _ = _telling(_project("one"))
    telling.look()
    telling.finish()
    assert started == []
