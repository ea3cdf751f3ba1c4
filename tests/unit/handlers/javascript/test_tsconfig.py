"""Which projects of TypeScript are checked."""

from pathlib import Path

import pytest

from nofx_cli.handlers.gates.javascript.tsconfig import projects, read_settings


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_name(path.name + ".json").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ('{"a": 1}', {"a": 1}),
        (
            '\ufeff// first\n{"a": [1, 2,], /* and */ "b": "//no, /* comment */",}',
            {"a": [1, 2], "b": "//no, /* comment */"},
        ),
        ('{"a": "\\"//,]"}', {"a": '"//,]'}),
        ('{"a": [1, // last\n]}', {"a": [1]}),
        ("{", {}),
        ("[]", {}),
    ],
)
def test_settings_with_comments_and_trailing_commas(tmp_path: Path, text: str, settings: object) -> None:
    write(tmp_path, tsconfig=text)
    assert read_settings(tmp_path / "tsconfig.json") == settings


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", ["tsconfig.json"]),
        ("{ broken", ["tsconfig.json"]),
        ('{"references": [{"path": "app"}]}', ["tsconfig.json", "app/tsconfig.json"]),  # it has files of its own
        ('{"files": [], "references": [{"path": "./app"}, {"path": "one.json"}]}', ["app/tsconfig.json", "one.json"]),
        ('{"files": [], "references": [{"path": "./app"}, {"path": "./app/"}]}', ["app/tsconfig.json"]),
        ('{"files": [], "references": [{"path": "all"}]}', ["app/tsconfig.json"]),  # which points on, and back
        ('{"files": [], "references": [{"path": "../out"}, {"path": "/etc"}, {"path": 3}, 4]}', ["tsconfig.json"]),
        ('{"files": [], "references": "app"}', ["tsconfig.json"]),
    ],
)
def test_the_projects_of_a_workspace(tmp_path: Path, text: str, found: list[str]) -> None:
    workspace = tmp_path / "workspace"
    write(tmp_path, out__tsconfig="{}")
    write(
        workspace,
        tsconfig=text,
        one="{}",
        app__tsconfig="{}",
        all__tsconfig='{"files": [], "references": [{"path": "../app"}, {"path": ".."}, {"path": "."}]}',
    )
    assert projects(workspace) == found
