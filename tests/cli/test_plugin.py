"""`nofx plugin`: what is written and where, what is refused, and what is listed."""

from pathlib import Path

import pytest

from tests.cli.console import Console

GREET = ["nofx_handlers/greet.py", "tests/test_greet.py"]


@pytest.fixture(autouse=True)
def _project(cli: Console) -> None:
    (cli.folder / "nofx.yaml").touch()


def refused(cli: Console, *words: str, code: int) -> str:
    """What is said of a command that must fail; it has written nothing."""
    before = sorted(cli.folder.rglob("*"))
    result = cli("plugin", "new", *words)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    assert sorted(cli.folder.rglob("*")) == before
    return result.stderr


class TestNew:
    def test_what_is_written_and_what_to_type_next(self, cli: Console) -> None:
        result = cli("plugin", "new", "greet")
        assert result.stdout.splitlines() == [f"{path}: written" for path in [*GREET, "nofx_handlers/__init__.py"]]
        assert result.stderr.splitlines() == [
            "run its test: python -m pytest tests/test_greet.py",
            "a step that uses it: {name: greet, tool: greet, inputs: {text: hello}}",
        ]
        assert all((cli.folder / path).is_file() for path in GREET)

    def test_paths_are_told_from_where_it_was_typed(self, cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        (cli.folder / "src").mkdir()
        monkeypatch.chdir(cli.folder / "src")
        result = cli("plugin", "new", "greet")
        assert "../nofx_handlers/greet.py: written\n" in result.stdout
        assert "python -m pytest ../tests/test_greet.py\n" in result.stderr

    def test_the_fields_are_pinned(self, cli: Console) -> None:
        files = [str(cli.folder / path) for path in [*GREET, "nofx_handlers/__init__.py"]]
        assert cli.json("plugin", "new", "greet", "--tool", "greet:*") == {
            "tool": "greet:*",
            "files": files,
            "step": '{name: greet, tool: "greet:example", inputs: {text: hello}}',
        }

    @pytest.mark.parametrize(
        ("words", "tool"), [((), "greet"), (("--gate",), "gate:greet"), (("--tool", "say:*"), "say:*")]
    )
    def test_the_tool_that_it_is_for(self, cli: Console, words: tuple[str, ...], tool: str) -> None:
        assert cli.json("plugin", "new", "greet", *words)["tool"] == tool
        match = 'tool.startswith("say:")' if "*" in tool else f'tool == "{tool}"'
        assert f"return {match}\n" in (cli.folder / GREET[0]).read_text()

    def test_a_name_with_a_dash_is_a_file_with_an_underscore(self, cli: Console) -> None:
        cli.ok("plugin", "new", "push-it")
        assert (cli.folder / "tests/test_push_it.py").is_file()
        text = (cli.folder / "nofx_handlers/push_it.py").read_text()
        assert "class PushIt:" in text
        assert 'tool == "push-it"' in text

    @pytest.mark.parametrize("taken", GREET)
    @pytest.mark.parametrize("how", ["file", "link"])
    def test_nothing_is_written_over(self, cli: Console, taken: str, how: str) -> None:
        path = cli.folder / taken
        path.parent.mkdir()
        path.write_text("mine") if how == "file" else path.symlink_to("nowhere")
        told = refused(cli, "greet", code=5)
        assert told.startswith(f"error[file-exists]: {taken} is there already\n")

    def test_what_handlers_share_stays_as_it_is(self, cli: Console) -> None:
        (cli.folder / "nofx_handlers").mkdir()
        (cli.folder / "nofx_handlers/__init__.py").write_text("mine")
        assert "__init__" not in cli.ok("plugin", "new", "greet")
        assert (cli.folder / "nofx_handlers/__init__.py").read_text() == "mine"

    def test_a_folder_that_cannot_be_made_leaves_nothing(self, cli: Console) -> None:
        (cli.folder / "tests").write_text("a file")
        told = refused_after_tidying(cli, "greet")
        assert told.startswith("error[write-failed]: ")
        assert not (cli.folder / GREET[0]).exists()

    @pytest.mark.parametrize(
        ("name", "remedy"),
        [
            ("Greet", "nofx plugin new greet"),
            ("PushIt", "nofx plugin new push_it"),
            ("../greet", "nofx plugin new greet"),
            ("greet.py", "nofx plugin new greet_py"),
            ("_greet", "nofx plugin new greet"),
            ("class", "such as: nofx plugin new greet"),
            ("7", "such as: nofx plugin new greet"),
            ("", "such as: nofx plugin new greet"),
            ("g" * 41, f"nofx plugin new {'g' * 40}"),
        ],
    )
    def test_a_name_that_is_none(self, cli: Console, name: str, remedy: str) -> None:
        told = refused(cli, name, code=2)
        assert told.startswith(f"error[plugin-name]: {name!r} cannot be the name of a plugin: ")
        assert told.endswith(f"  hint: {remedy}\n")

    @pytest.mark.parametrize("tool", ["*", "say*", "say:", "Say", "say:*:x", 'x"', "say it"])
    def test_a_tool_that_is_none(self, cli: Console, tool: str) -> None:
        assert refused(cli, "greet", "--tool", tool, code=2).startswith(f"error[tool-name]: {tool!r} cannot be a tool")

    def test_what_does_not_go_together(self, cli: Console) -> None:
        assert "write --tool gate:say" in refused(cli, "greet", "--gate", "--tool", "say", code=2)
        assert "add --gate" in refused(cli, "greet", "--tool", "gate:say", code=2)
        assert "--effect and --gate do not go together" in refused(cli, "greet", "--gate", "--effect", code=2)

    @pytest.mark.parametrize("tool", ["shell", "manual:*", "agent:mine"])
    def test_a_tool_that_nofx_has_would_never_come_to_it(self, cli: Console, tool: str) -> None:
        (cli.folder / "nofx.yaml").write_text("agents: {mine: {command: [mine]}}\n")
        told = refused(cli, "greet", "--tool", tool, code=5)
        assert told.startswith(f"error[tool-taken]: the tool `{tool.replace('*', 'example')}` has a handler already: ")
        assert "nofx itself has it" in told

    def test_a_tool_of_another_plugin_is_its_own(self, cli: Console) -> None:
        cli.ok("plugin", "new", "greet")
        assert "nofx_handlers/greet.py has it" in refused(cli, "other", "--tool", "greet", code=5)

    def test_a_broken_plugin_is_no_reason_not_to_begin_another(self, cli: Console) -> None:
        (cli.folder / "nofx_handlers").mkdir()
        (cli.folder / "nofx_handlers/broken.py").write_text("1 / 0\n")
        cli.ok("plugin", "new", "greet")


class TestWhereTheTestGoes:
    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("pyproject.toml", '[tool.pytest.ini_options]\ntestpaths = ["checks"]\n'),
            ("pytest.ini", "[pytest]\ntestpaths = checks more\n"),
            ("setup.cfg", "[tool:pytest]\ntestpaths =\n    checks\n"),
        ],
    )
    def test_as_the_settings_of_pytest_say(self, cli: Console, file: str, text: str) -> None:
        (cli.folder / file).write_text(text)
        (cli.folder / "checks").mkdir()
        (cli.folder / "tests").mkdir()
        cli.ok("plugin", "new", "greet")
        assert (cli.folder / "checks/test_greet.py").is_file()

    @pytest.mark.parametrize(("there", "taken"), [("test", "test"), ("tests", "tests"), ("", "tests")])
    def test_else_where_tests_are(self, cli: Console, there: str, taken: str) -> None:
        (cli.folder / there).mkdir(exist_ok=True)
        cli.ok("plugin", "new", "greet")
        assert (cli.folder / taken / "test_greet.py").is_file()

    @pytest.mark.parametrize(
        "text", ["[tool.pytest", 'tool = "x"', '[tool.pytest.ini_options]\ntestpaths = "/tmp ../x"\n']
    )
    def test_settings_that_do_not_say_are_passed_over(self, cli: Console, text: str) -> None:
        (cli.folder / "pyproject.toml").write_text(text)
        (cli.folder / "setup.cfg").write_text("no section\n")
        cli.ok("plugin", "new", "greet")
        assert (cli.folder / "tests/test_greet.py").is_file()


class TestThePythonOfTheProject:
    def test_it_is_told_and_what_it_lacks(self, cli: Console) -> None:
        programs = cli.folder / ".venv/bin"
        programs.mkdir(parents=True)
        for name, text in (("python", "exit 3"), ("pytest", "")):
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        assert cli("plugin", "new", "greet").stderr.splitlines()[:2] == [
            "its test needs nofx: .venv/bin/python -m pip install nofx-cli",
            "run its test: .venv/bin/python -m pytest tests/test_greet.py",
        ]


class TestPackage:
    def test_all_of_it_lies_in_one_folder_here(self, cli: Console, monkeypatch: pytest.MonkeyPatch) -> None:
        (cli.folder / "tools").mkdir()
        monkeypatch.chdir(cli.folder / "tools")
        result = cli("plugin", "new", "push-it", "--package")
        inside = ["pyproject.toml", "README.md", "src/nofx_push_it/__init__.py", "src/nofx_push_it/py.typed"]
        inside += ["src/nofx_push_it/handler.py", "tests/test_push_it.py"]
        assert result.stdout.splitlines() == [f"nofx-push-it/{path}: written" for path in inside]
        assert result.stderr.splitlines() == [
            "run its test: cd nofx-push-it && python -m pytest",
            "install it where nofx is: python -m pip install -e nofx-push-it",
            "a step that uses it: {name: push-it, tool: push-it, inputs: {text: hello}}",
        ]
        assert "nofx-push-it/pyproject.toml is there already" in refused(cli, "push-it", "--package", code=5)

    def test_a_prefix_is_not_put_before_it_twice(self, cli: Console) -> None:
        cli.ok("plugin", "new", "nofx-greet", "--package")
        assert (cli.folder / "nofx-greet/src/nofx_greet/handler.py").is_file()


class TestList:
    def test_handlers_with_what_they_have_and_what_is_broken(self, cli: Console) -> None:
        for words in (("greet",), ("post", "--effect"), ("todo", "--gate")):
            cli.ok("plugin", "new", *words)
        (cli.folder / "nofx_handlers/broken.py").write_text("\n1 / 0\n")
        assert [" ".join(line.split()) for line in cli.ok("plugin", "list").splitlines()] == [
            "PLUGIN HANDLER WHAT IT DOES BESIDES",
            "nofx_handlers/greet.py Greet runs again after a crash",
            "nofx_handlers/post.py Post asks a person, has effects, finds them after a crash",
            "nofx_handlers/todo.py Todo runs again after a crash",
            "nofx_handlers/broken.py:2 cannot be loaded: ZeroDivisionError: division by zero",
        ]

    def test_the_fields_are_pinned(self, cli: Console) -> None:
        cli.ok("plugin", "new", "post", "--effect")
        (cli.folder / "nofx_handlers/broken.py").write_text("1 / 0\n")
        sound, broken = cli.json("plugin", "list")
        assert sound == {
            "where": "nofx_handlers/post.py",
            "line": None,
            "handler": "Post",
            "traits": ["asks", "reconciles"],
            "fault": None,
        }
        assert broken == {
            "where": "nofx_handlers/broken.py",
            "line": 1,
            "handler": None,
            "traits": [],
            "fault": "ZeroDivisionError: division by zero",
        }

    def test_where_there_is_none_it_says_how_to_begin_one(self, cli: Console) -> None:
        result = cli("plugin", "list")
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == "there is no plugin; begin one: nofx plugin new NAME\n"
        assert cli.json("plugin", "list") == []


def refused_after_tidying(cli: Console, *words: str) -> str:
    """What is said of a command that fails while it writes."""
    result = cli("plugin", "new", *words)
    assert (result.exit_code, result.stdout) == (69, ""), result.output
    return result.stderr


def test_a_project_that_is_a_link_is_written_to(cli: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(cli.folder)
    monkeypatch.chdir(tmp_path / "link")
    assert cli.ok("plugin", "new", "greet").startswith("nofx_handlers/greet.py: written\n")
