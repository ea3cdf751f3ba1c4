"""A setting comes from the flag, then the environment, then the file, then the default; each knows from where."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.config.settings import DECLARED, find_project, load_settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def _write(project: Path, text: str) -> Path:
    (project / "nofx.yaml").write_text(text)
    return project


def test_defaults(project: Path) -> None:
    settings = load_settings(project, {})
    assert (settings.store.value, settings.store.source) == (project / "local_data", "default")
    assert (settings.actor.value, settings.grace_ms.value) == ("", 700)
    assert (settings.output_limit.value, settings.sync.value) == (64 * 1024**2, True)


def test_the_order_of_the_sources(project: Path) -> None:
    _write(project, "grace: 3s\nstore: from-file\n")
    environ = {"NOFX_HOME": "/from/environment", "NOFX_GRACE": "5s"}
    in_file, in_environment = load_settings(project, {}), load_settings(project, environ)
    by_flag = load_settings(project, environ, store="/from/flag")
    assert (in_file.grace_ms.value, in_file.grace_ms.source) == (3_000, "nofx.yaml:1")
    assert (in_file.store.value, in_file.store.source) == (project / "from-file", "nofx.yaml:2")
    assert (in_environment.grace_ms.value, in_environment.grace_ms.source) == (5_000, "NOFX_GRACE")
    assert (in_environment.store.value, in_environment.store.source) == (Path("/from/environment"), "NOFX_HOME")
    assert (by_flag.store.value, by_flag.store.source) == (Path("/from/flag"), "--store")


def test_an_empty_variable_is_none(project: Path) -> None:
    assert load_settings(project, {"NOFX_GRACE": "", "NOFX_HOME": ""}).store.source == "default"


def test_a_store_in_the_home(project: Path) -> None:
    assert load_settings(project, {"NOFX_HOME": "~/runs"}).store.value == Path.home() / "runs"


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("NOFX_GRACE", "soon", "'soon' is not a duration; write it like 250ms, 10s, 5m or 1h"),
        ("NOFX_OUTPUT_LIMIT", "much", "'much' is not a size; write it like 500KB, 64MB or 1GB"),
        ("NOFX_OUTPUT_LIMIT", "0", "'0' is not a size"),
        ("NOFX_OUTPUT_LIMIT", "-1MB", "'-1MB' is not a size"),
        ("NOFX_SYNC", "yes", "'yes' is neither on nor off"),
    ],
)
def test_a_value_that_cannot_be_read_is_told_with_its_source(
    project: Path, variable: str, text: str, said: str
) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        load_settings(project, {variable: text})
    assert (refused.value.code, refused.value.exit_code) == ("settings-bad-value", 3)
    assert refused.value.message.startswith(f"{variable}: ")
    assert said in refused.value.message


@pytest.mark.parametrize(
    ("text", "value"), [("10", 10), ("1KB", 1024), ("2mb", 2 * 1024**2), ("1GB", 1024**3), ("5 MB", 5 * 1024**2)]
)
def test_sizes(project: Path, text: str, value: int) -> None:
    assert load_settings(project, {"NOFX_OUTPUT_LIMIT": text}).output_limit.value == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("grase: 1s\n", "nofx.yaml:1:1: error[settings-unknown-key]: unknown key `grase`; did you mean `grace`?"),
        ("sync: off\n", "nofx.yaml:1:1: error[settings-unknown-key]: unknown key `sync`"),
        ("grace: 1s\ngrace: 2s\n", "nofx.yaml:2:1: error[settings-duplicate-key]: `grace` stands here twice"),
        ("store: [a]\n", "nofx.yaml:1:1: error[settings-bad-value]: `store` must be a single value"),
        ("store:\n", "nofx.yaml:1:1: error[settings-bad-value]: `store` has no value; take the line away"),
        ("store: ~\n", "nofx.yaml:1:1: error[settings-bad-value]: `store` has no value"),
        ("modles: {}\n", "error[settings-unknown-key]: unknown key `modles`; did you mean `models`?"),
        ("- a\n", "nofx.yaml:1:1: the settings must be a mapping of keys to values"),
        ("a: [\n", "nofx.yaml is not YAML"),
        ("grace: soon\n", "nofx.yaml:1: grace: 'soon' is not a duration"),
    ],
)
def test_faults_of_the_file(project: Path, text: str, told: str) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        load_settings(_write(project, text), {})
    assert told in refused.value.message
    assert refused.value.exit_code == 3


def test_all_faults_of_the_file_are_told_at_once(project: Path) -> None:
    with pytest.raises(errors.InvalidInput) as refused:
        load_settings(_write(project, "x: 1\nstore: [a]\nservices: {}\n"), {})
    assert [line.split(":")[1] for line in refused.value.message.splitlines()] == ["1", "2", "3"]


def test_what_has_a_structure_is_left_to_who_knows_it(project: Path) -> None:
    keys = ("policy", "gates", "secrets", "approvals", "models", "agents", "budget")
    text = "".join(f"{key}: {{x: [1]}}\n" for key in keys)
    assert load_settings(_write(project, f"{text}grace: 2s\n"), {}).grace_ms.value == 2000


def test_a_file_that_is_no_text(project: Path) -> None:
    (project / "nofx.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(errors.InvalidInput) as refused:
        load_settings(project, {})
    assert refused.value.code == "settings-unreadable"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_has_no_settings(project: Path, text: str) -> None:
    assert load_settings(_write(project, text), {}).store.source == "default"


def test_every_setting_is_told_apart_and_described() -> None:
    assert len({declared.variable for declared in DECLARED}) == len(DECLARED)
    assert all(declared.variable.startswith(("NOFX_", "BACKPRESSURE_")) for declared in DECLARED)
    assert all(declared.description for declared in DECLARED)


def test_the_project_is_the_nearest_folder_with_settings_or_a_checkout(project: Path) -> None:
    below = project / "a" / "b"
    below.mkdir(parents=True)
    assert find_project(below) == below
    (project / ".git").mkdir()
    assert find_project(below) == project
    (project / "a" / "nofx.yaml").touch()
    assert find_project(below) == project / "a"


def test_a_worktree_is_a_project_too(project: Path) -> None:
    (project / ".git").write_text("gitdir: elsewhere\n")
    assert find_project(project) == project


@pytest.mark.parametrize("name", ["nofx.yaml", "nofx.yml"])
def test_settings_that_cannot_be_read_make_a_project_too(project: Path, name: str) -> None:
    below = project / "a"
    below.mkdir()
    (project / name).symlink_to("nowhere")
    assert find_project(below) == project


def _fifo(file: Path) -> None:
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda file: file.symlink_to("nowhere"), "a link that leads to nothing"),
        (lambda file: file.symlink_to("/dev/null"), "no regular file"),
        (_fifo, "no regular file"),
        (lambda file: file.mkdir(), "Is a directory"),
        (lambda file: file.write_bytes(b"#" * (16 * 1024 * 1024 + 1)), "larger than 16 MiB"),
    ],
)
def test_what_is_there_and_cannot_be_read_is_not_taken_for_settings_that_say_nothing(
    project: Path, make: Callable[[Path], object], told: str
) -> None:
    make(project / "nofx.yaml")
    with pytest.raises(errors.InvalidInput, match=told) as refused:
        load_settings(project, {})
    assert refused.value.code == "settings-unreadable"


def test_a_file_whose_name_is_only_like_that_of_settings_is_told(project: Path) -> None:
    (project / "nofx.yml").write_text("policy: {}\n")
    with pytest.raises(errors.InvalidInput, match=r"nofx\.yml is not read") as refused:
        load_settings(project, {})
    assert refused.value.hint == "mv nofx.yml nofx.yaml"


@pytest.mark.parametrize("text", ["[" * 300_000, "- " * 300_000, "a: " + "{a: " * 300_000])
def test_deep_nesting_is_refused(project: Path, text: str) -> None:
    with pytest.raises(errors.InvalidInput, match="nested deeper than 64 levels"):
        load_settings(_write(project, text), {})
