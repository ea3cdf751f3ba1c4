"""What package.json says, also where it says nothing that can be understood; and who uses which program."""

import json
from pathlib import Path

import pytest

from nofx_cli.handlers.gates.evidence import NoEvidence
from nofx_cli.handlers.gates.javascript.eslint import Eslint
from nofx_cli.handlers.gates.javascript.manifest import manifest, read_manifest, script
from nofx_cli.handlers.gates.javascript.package_build import PackageBuild
from nofx_cli.handlers.gates.javascript.package_tests import PackageTests
from nofx_cli.handlers.gates.javascript.prettier import Prettier
from nofx_cli.handlers.gates.javascript.tsc import Tsc


def write(folder: Path, data: object, *files: str) -> Path:
    (folder / "package.json").write_text(data if isinstance(data, str) else json.dumps(data))
    for name in files:
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"x"', "[" * 100_000])
def test_what_is_no_manifest(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)
    assert manifest(tmp_path) == {}
    with pytest.raises(NoEvidence, match=r"package\.json is"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("scripts", [None, [], {}, {"test": 3}, {"test": " "}])
def test_a_script_that_is_not_there(tmp_path: Path, scripts: object) -> None:
    assert not script(write(tmp_path, {"scripts": scripts}), "test")


@pytest.mark.parametrize(
    ("data", "files", "names"),
    [
        ({}, (), {"package-tests"}),
        ({}, ("eslint.config.mjs",), {"eslint", "package-tests"}),
        ({}, (".eslintrc.yml",), {"eslint", "package-tests"}),
        ({"eslintConfig": {}}, (), {"eslint", "package-tests"}),
        ({"devDependencies": {"eslint": "9", "prettier": "3"}}, (), {"eslint", "prettier", "package-tests"}),
        ({}, (".prettierrc.json",), {"prettier", "package-tests"}),
        ({"prettier": {}}, (), {"prettier", "package-tests"}),
        ({}, ("tsconfig.json",), {"tsc", "package-tests"}),
        ({"scripts": {"build": "make"}}, (), {"package-build", "package-tests"}),
        ({}, ("app.py",), set()),
        ({"scripts": {"test": "jest"}}, ("app.py",), {"package-tests"}),
        ({"dependencies": ["eslint"]}, ("app.py",), set()),
    ],
)
def test_a_check_applies_by_the_projects_own_files(
    tmp_path: Path, data: object, files: tuple[str, ...], names: set[str]
) -> None:
    workspace = write(tmp_path, data, *files)
    checks = (Eslint(), Prettier(), Tsc(), PackageTests(), PackageBuild())
    assert {check.name for check in checks if check.applies(workspace)} == names
