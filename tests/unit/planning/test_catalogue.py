"""Finding plans by name and by path."""

from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.planning import catalogue
from nofx_cli.planning.catalogue import Listed, available, built_in_folder, find_plan, plan_names

PLAN = "goal: {goal}\nsteps: [{{name: a, tool: shell}}]\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two plans, and two built-in plans of which it hides one."""
    built_in = tmp_path / "package" / "plans"
    monkeypatch.setattr(catalogue, "built_in_folder", lambda: built_in)
    for folder, names in ((built_in, ("quality", "release")), (tmp_path / "project" / "plans", ("quality", "own"))):
        folder.mkdir(parents=True)
        for name in names:
            (folder / f"{name}.yaml").write_text(PLAN.format(goal=f"{folder.parent.name} {name}"))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def test_a_project_hides_a_built_in_plan_of_the_same_name(project: Path) -> None:
    found = find_plan("quality", project=project)
    assert (found.name, found.path) == ("quality", project / "plans" / "quality.yaml")
    assert found.source == "plans/quality.yaml"
    assert found.text == PLAN.format(goal="project quality")


def test_a_built_in_plan_is_found_by_name(project: Path) -> None:
    found = find_plan("release", project=project)
    assert found.text == PLAN.format(goal="package release")
    assert found.source == str(project.parent / "package" / "plans" / "release.yaml")


def test_yml_is_a_suffix_too_and_yaml_comes_first(project: Path) -> None:
    (project / "plans" / "short.yml").write_text("short")
    assert find_plan("short", project=project).text == "short"
    (project / "plans" / "short.yaml").write_text("long")
    assert find_plan("short", project=project).text == "long"
    assert [plan.path.name for plan in available(project) if plan.name == "short"] == ["short.yaml"]


def test_a_path_is_read_as_it_is_typed(project: Path) -> None:
    (project / "quality").write_text("a file without a suffix")
    (project / "mine.yaml").write_text("mine")
    assert find_plan("quality", project=project).text == "a file without a suffix"
    assert find_plan("mine.yaml", project=project).source == "mine.yaml"
    assert find_plan("./plans/own.yaml", project=project).source == "./plans/own.yaml"


def test_a_folder_is_no_plan(project: Path) -> None:
    (project / "release").mkdir()
    assert find_plan("release", project=project).text == PLAN.format(goal="package release")


def test_what_is_not_there_is_told_with_what_is(project: Path) -> None:
    with pytest.raises(errors.NotFound) as caught:
        find_plan("qualty", project=project)
    assert (caught.value.message, caught.value.hint) == ("there is no plan `qualty`", "did you mean `quality`?")
    assert (caught.value.code, caught.value.exit_code) == ("plan-not-found", 4)
    with pytest.raises(errors.NotFound) as caught:
        find_plan("zzz", project=project)
    assert caught.value.hint == "there are `own`, `quality`, `release`"
    with pytest.raises(errors.NotFound, match=r"none\.yaml: No such file"):
        find_plan("none.yaml", project=project)


def test_the_list_has_goals_origins_and_what_is_hidden(project: Path) -> None:
    own, package = project / "plans", project.parent / "package" / "plans"
    assert available(project) == [
        Listed("own", "project", own / "own.yaml", "project own"),
        Listed("quality", "project", own / "quality.yaml", "project quality", shadows=True),
        Listed("release", "built-in", package / "release.yaml", "package release"),
    ]
    assert plan_names(project) == ["own", "quality", "release"]


def test_a_plan_that_cannot_be_read_does_not_break_the_list(project: Path) -> None:
    (project / "plans" / "bad.yaml").write_text("goal: x\n\tsteps: []")
    (project / "plans" / "latin.yaml").write_bytes(b"goal: \xff")
    (project / "plans" / "list.yaml").write_text("- goal: x")
    (project / "plans" / "notes.txt").write_text("no plan")
    listed = {plan.name: (plan.goal, plan.fault) for plan in available(project) if plan.origin == "project"}
    assert listed == {
        "bad": ("", "line 2: a tab cannot indent YAML"),
        "latin": ("", "line 1: the byte 0xff is not UTF-8"),
        "list": ("", ""),
        "own": ("project own", ""),
        "quality": ("project quality", ""),
    }


def test_plans_come_with_the_package_and_beside_it_in_a_checkout() -> None:
    assert {"demo", "quality"} <= set(plan_names(Path("/nowhere")))
    assert (built_in_folder() / "quality.yaml").is_file()
