"""What of a workspace is for a model: its own text files, and none that may hold secrets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.handlers.codegen.project_files import project_files
from nofx_cli.handlers.codegen.readable import LARGEST, FileText, LeftOut, read_file, withheld
from tests.unit.handlers.codegen.conftest import MakeContext


@pytest.mark.parametrize(
    "path",
    [
        ".env", "app/.env.production", "prod.env", ".ENV", "server.pem", "tls/private.key", "id_rsa", "id_ed25519.pub",
        ".npmrc", ".pypirc", ".netrc", "config/secrets.yaml", "credentials.json", "credentials", "terraform.tfstate",
        ".ssh/config", "home/.aws/config",
    ],
)  # fmt: skip
def test_files_that_may_hold_secrets_are_kept_back(path: str) -> None:
    assert "may hold secrets" in withheld(path)


@pytest.mark.parametrize(
    "path", [".env.example", ".env.sample", "src/secrets.py", "environment.py", "keys.md", "a.env.py"]
)
def test_files_that_only_look_like_it_are_not(path: str) -> None:
    assert withheld(path) == ""


def test_a_text_has_its_lines_in_one_form(make: MakeContext) -> None:
    ctx = make()
    (ctx.workspace / "a.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    assert read_file(ctx, "a.txt") == FileText("a.txt", "one\ntwo\n")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xff\xfe\x00", "it is no text in UTF-8"),
        (b"a\0b", "it is no text"),
        (b"x" * (LARGEST + 1), "it is larger than 256 KiB"),
        (b"key = not-a-real-key-1\n", "it holds a secret of the step"),
    ],
    ids=["bytes", "zero", "large", "secret"],
)
def test_what_is_no_text_or_holds_a_secret_is_left_out(make: MakeContext, data: bytes, why: str) -> None:
    ctx = make()
    ctx.secrets = {"KEY": "not-a-real-key-1", "EMPTY": ""}
    (ctx.workspace / "a").write_bytes(data)
    assert read_file(ctx, "a") == LeftOut("a", why)


def test_a_link_cannot_lead_to_what_is_kept_back(make: MakeContext, tmp_path: Path) -> None:
    ctx = make(files={".env": "A=1", "nofx.yaml": "", "local_data/x": "x", "nofx_handlers/a.py": ""})
    (tmp_path / "outside").write_text("x")
    outside = str(tmp_path / "outside")
    for name, target in {"a": ".env", "b": "nofx.yaml", "c": "local_data/x", "d": outside}.items():
        (ctx.workspace / name).symlink_to(target)
    told = {name: read_file(ctx, name) for name in ("a", "b", "c", "d", "nofx.yaml", "nofx_handlers/a.py", "gone")}
    assert all(isinstance(found, LeftOut) for found in told.values())
    assert str(told["a"]) == "a: by its name it may hold secrets"
    assert str(told["b"]) == "b: it belongs to nofx or to git"
    assert str(told["c"]) == "c: it belongs to nofx or to git"
    assert "leads out of" in str(told["d"])
    assert str(told["gone"]) == "gone: it is not there"


def test_names_are_told_so_that_they_cannot_deceive() -> None:
    assert str(LeftOut("a\nb", "it is no text")) == r"'a\nb': it is no text"


def test_without_git_the_files_are_all_but_those_of_tools(make: MakeContext) -> None:
    files = dict.fromkeys(
        ("b.py", "a/c.py", "node_modules/x.js", ".venv/x.py", "env/pyvenv.cfg", "env/x.py", "local_data/run"), "x"
    )
    ctx = make(files=files)
    assert project_files(ctx.workspace, store=ctx.store) == ("a/c.py", "b.py")


def test_what_git_ignores_is_left_out_and_what_is_new_is_there(make: MakeContext, git: Callable[..., None]) -> None:
    ctx = make(files={".gitignore": "*.log\n", "a.py": "x", "b.log": "x", "new.py": "x", "local_data/run": "x"})
    git("init", "-q")
    git("add", "a.py")
    assert project_files(ctx.workspace, store=ctx.store) == (".gitignore", "a.py", "new.py")


def test_a_listing_that_git_cannot_give_is_no_listing(make: MakeContext) -> None:
    ctx = make(files={".git": "gitdir: nowhere", "a.py": "x"})
    with pytest.raises(errors.InvalidInput) as caught:
        project_files(ctx.workspace, store=ctx.store)
    assert caught.value.code == "git-failed"
    assert caught.value.message.startswith(f"git cannot list the files of {ctx.workspace}: fatal: ")
    assert caught.value.hint == f"see what it says: git -C {ctx.workspace} ls-files"


def test_the_index_of_a_hook_does_not_say_what_the_files_are(
    make: MakeContext, git: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ctx = make(files={"a.py": "x"})
    git("init", "-q")
    git("add", "a.py")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert project_files(ctx.workspace, store=ctx.store) == ("a.py",)
