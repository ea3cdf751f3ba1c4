import os
import pickle
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import pytest

from nofx_cli import errors
from nofx_cli.domain.project import SecretKind, SecretSpec
from nofx_cli.safety import process_table, secret_sources
from nofx_cli.safety.secret_sources import LARGEST
from nofx_cli.safety.secrets import Looked, Secrets, known_values, look, resolve
from nofx_cli.testing.waiting import wait_until

CANARY = "swordfish-Trombone"


def spec(kind: SecretKind, *where: str, name: str = "TOKEN", scope: str = "github") -> SecretSpec:
    return SecretSpec(scope, name, kind, where, "nofx.yaml:12")


def got(one: SecretSpec, project: Path, environ: Mapping[str, str] | None = None) -> str:
    return resolve([one.scope], {one.scope: (one,)}, project=project, environ=environ or os.environ)[one.name]


def refused(one: SecretSpec, project: Path, environ: Mapping[str, str] | None = None) -> errors.NofxError:
    with pytest.raises(errors.InvalidInput) as caught:
        got(one, project, environ)
    error = caught.value
    assert error.code == "secret-unavailable"
    assert error.context == {"scope": "github", "secret": "TOKEN", "kind": one.kind.value, "source": "nofx.yaml:12"}
    assert error.message.startswith(f"the secret TOKEN of scope github ({one.kind}, nofx.yaml:12) ")
    assert error.hint
    return error


def command(code: str) -> SecretSpec:
    return spec(SecretKind.COMMAND, sys.executable, "-c", code)


class TestEnvironment:
    def test_the_value_is_given_as_it_is(self, tmp_path: Path) -> None:
        assert got(spec(SecretKind.ENV, "MINE"), tmp_path, {"MINE": f" {CANARY}\n"}) == f" {CANARY}\n"

    @pytest.mark.parametrize(("environ", "why"), [({"OTHER": CANARY}, "MINE is not set"), ({"MINE": " "}, "is empty")])
    def test_what_is_not_there(self, tmp_path: Path, environ: dict[str, str], why: str) -> None:
        assert why in refused(spec(SecretKind.ENV, "MINE"), tmp_path, environ).message


class TestFile:
    @pytest.mark.parametrize(
        ("data", "value"),
        [
            (b"swordfish", "swordfish"),
            (b"swordfish\n", "swordfish"),
            (b"swordfish\r\n", "swordfish"),
            (b"two\nlines\n\n", "two\nlines\n"),
            (b"\xff\xfe12", "\udcff\udcfe12"),
        ],
    )
    def test_the_newline_at_its_end_is_cut(self, tmp_path: Path, data: bytes, value: str) -> None:
        (tmp_path / "token").write_bytes(data)

        assert got(spec(SecretKind.FILE, "token"), tmp_path) == value
        assert got(spec(SecretKind.FILE, str(tmp_path / "token")), Path("/")) == value
        assert got(spec(SecretKind.FILE, "~/token"), Path("/"), {"HOME": str(tmp_path)}) == value

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("nowhere", "no such file"),
            (".", "is a directory"),
            ("pipe", "no regular file"),
            ("empty", "is empty"),
            ("large", f"larger than {LARGEST} bytes"),
            ("nul", "NUL"),
        ],
    )
    def test_what_cannot_be_read(self, tmp_path: Path, name: str, why: str) -> None:
        os.mkfifo(tmp_path / "pipe")
        for path, data in (("empty", b"\n"), ("large", b"x" * (LARGEST + 1)), ("nul", CANARY.encode() + b"\0")):
            (tmp_path / path).write_bytes(data)

        error = refused(spec(SecretKind.FILE, name), tmp_path)

        assert why in error.message
        assert CANARY not in repr(error)


class TestKeyring:
    def installed(self, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
        def get_password(service: str, user: str) -> object:
            if isinstance(answer, Exception):
                raise answer
            return answer if (service, user) == ("nofx", "ada") else None

        monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=get_password))

    def test_it_is_asked_for_service_and_user(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.installed(monkeypatch, CANARY)

        assert got(spec(SecretKind.KEYRING, "nofx", "ada"), tmp_path) == CANARY
        error = refused(spec(SecretKind.KEYRING, "nofx", "bob"), tmp_path)
        assert "has nothing for bob of nofx" in error.message
        assert error.hint == "keyring set nofx bob"

    def test_what_it_says_of_a_failure_is_not_passed_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.installed(monkeypatch, RuntimeError(f"locked: {CANARY}"))

        error = refused(spec(SecretKind.KEYRING, "nofx", "ada"), tmp_path)

        assert "the keyring answered with RuntimeError" in error.message
        assert CANARY not in repr(error)

    def test_without_the_library_it_says_what_to_install(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)

        assert refused(spec(SecretKind.KEYRING, "nofx", "ada"), tmp_path).hint == "pip install 'nofx-cli[keyring]'"

    def test_it_is_not_loaded_for_other_kinds(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)

        assert got(spec(SecretKind.ENV, "MINE"), tmp_path, {"MINE": CANARY}) == CANARY


class TestCommand:
    def test_its_output_is_the_value(self, tmp_path: Path) -> None:
        assert got(command(f"print('{CANARY}')"), tmp_path) == CANARY

    def test_it_sees_the_project_and_a_small_environment(self, tmp_path: Path) -> None:
        code = "import os; print(os.getcwd(), *sorted(os.environ), os.getsid(0) == os.getpid())"

        words = got(command(code), tmp_path, {**os.environ, "OTHER": CANARY}).split()

        assert words[0] == str(tmp_path.resolve())
        assert set(words[1:-1]) <= {"PATH", "HOME", "LANG", "TMPDIR", "LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
        assert words[-1] == "True"

    @pytest.mark.parametrize(
        ("code", "why"),
        [
            (f"import sys; print('{CANARY}'); print('{CANARY}', file=sys.stderr); sys.exit(3)", "exited with 3"),
            ("import os; os.kill(os.getpid(), 9)", "exited with -9"),
            ("pass", "is empty"),
            (f"print('{CANARY}' * 9999)", "larger than"),
        ],
    )
    def test_what_fails_shows_nothing_of_what_it_wrote(
        self, tmp_path: Path, code: str, why: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        error = refused(command(code), tmp_path)

        assert why in error.message
        assert CANARY not in repr((error, error.message, error.hint, error.context, error.__cause__))
        assert capfd.readouterr() == ("", "")

    def test_a_program_that_is_not_there(self, tmp_path: Path) -> None:
        error = refused(spec(SecretKind.COMMAND, "no-such-program", CANARY), tmp_path)

        assert "no-such-program: no such file" in error.message
        assert CANARY not in repr(error) + error.hint

    @pytest.mark.parametrize("code", ["signal.pause()", "os.fork() or signal.pause()"])
    def test_one_that_hangs_is_ended_with_what_it_started(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        monkeypatch.setattr(secret_sources, "TIME_LIMIT_SECONDS", 0.3)
        began = time.monotonic()
        code = f"import os, signal; open('pid', 'w').write(str(os.getpid())); {code}"

        error = refused(command(code), tmp_path)

        assert "did not end within 0.3 s" in error.message
        assert time.monotonic() - began < 20
        group = int((tmp_path / "pid").read_text())
        wait_until(lambda: not group_exists(group))


def group_exists(group: int) -> bool:
    """Whether one of the group lives; a process that took in the orphans of others may have dead ones of it."""
    return any(process.group == group and not process.dead for process in process_table.read_table().values())


class TestScopes:
    def test_a_step_gets_its_scopes_and_nothing_else(self, tmp_path: Path) -> None:
        declared = {
            "one": (spec(SecretKind.ENV, "A", name="X", scope="one"), spec(SecretKind.ENV, "B", name="Y", scope="one")),
            "two": (spec(SecretKind.ENV, "A", name="X", scope="two"),),
            "three": (spec(SecretKind.ENV, "MISSING", name="Z", scope="three"),),
        }

        found = resolve(["two", "one"], declared, project=tmp_path, environ={"A": "1", "B": "2"})

        assert dict(found) == {"X": "1", "Y": "2"}
        assert dict(resolve([], declared, project=tmp_path, environ={})) == {}

    def test_one_name_for_two_secrets_is_refused(self, tmp_path: Path) -> None:
        declared = {"one": (spec(SecretKind.ENV, "A", scope="one"),), "two": (spec(SecretKind.ENV, "B", scope="two"),)}

        with pytest.raises(errors.InvalidInput, match="both have a secret TOKEN") as caught:
            resolve(["one", "two"], declared, project=tmp_path, environ={"A": "1", "B": "2"})

        assert caught.value.code == "secret-ambiguous"

    @pytest.mark.parametrize(("declared", "told"), [(["github"], "did you mean github?"), ([], "there are none")])
    def test_a_scope_that_is_not_declared(self, tmp_path: Path, declared: list[str], told: str) -> None:
        with pytest.raises(errors.InvalidInput) as caught:
            resolve(["githb"], dict.fromkeys(declared, ()), project=tmp_path, environ={})

        assert caught.value.code == "secret-scope-unknown"
        assert told in caught.value.message

    def test_what_is_known_without_running_anything(self, tmp_path: Path) -> None:
        (tmp_path / "token").write_text("from a file\n")
        ran = f"open({str(tmp_path / 'ran')!r}, 'w'); print('x')"
        declared = {
            "a": (spec(SecretKind.ENV, "A"), spec(SecretKind.FILE, "token"), spec(SecretKind.FILE, "nowhere")),
            "b": (command(ran), spec(SecretKind.KEYRING, "nofx", "ada"), spec(SecretKind.ENV, "MISSING")),
        }

        assert known_values(declared, project=tmp_path, environ={"A": "of A"}) == ["of A", "from a file"]
        assert not (tmp_path / "ran").exists()


def test_nothing_that_holds_values_tells_them(tmp_path: Path) -> None:
    looked = look(spec(SecretKind.ENV, "A"), project=tmp_path, environ={"A": CANARY})
    secrets = Secrets({"TOKEN": CANARY})

    assert looked.value == CANARY
    assert "found" in repr(looked)
    assert repr(secrets) == "Secrets(TOKEN)"
    for text in (repr(looked), str(looked), f"{secrets}", repr([secrets]), repr({"x": looked})):
        assert CANARY not in text
    with pytest.raises(TypeError):
        pickle.dumps(secrets)


def test_the_reason_is_told_by_repr() -> None:
    assert "is empty" in repr(Looked(spec(SecretKind.ENV, "A"), why="is empty"))
