"""Which code runs which tool, and what a broken plugin breaks."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nofx_cli import errors
from nofx_cli.domain.project import AgentSpec, GateSpec
from nofx_cli.handlers.registry import BUILT_INS, Registry
from nofx_cli.ports.handler import Handlers, StepHandler
from nofx_cli.testing import FakeContext

PLUGIN = """
from dataclasses import dataclass
from nofx_cli.plugin import Outcome, StepContext, Succeeded


@dataclass
class Deploy:
    to: str

    def match(self, tool: str) -> bool:
        return tool == f"deploy:{self.to}"

    def run(self, ctx: StepContext) -> Outcome:
        return Succeeded({"to": self.to})


HANDLERS = [Deploy("staging"), Deploy("production")]
"""


def plugin(project: Path, name: str, text: str = PLUGIN) -> None:
    folder = project / "nofx_handlers"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def found(registry: Registry, tool: str) -> StepHandler:
    handler = registry.find(tool)
    assert handler is not None
    return handler


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on Python's path where a test installs packages."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def install(site: Path, *, package: str, text: str, entry: str) -> None:
    (site / f"{package}.py").write_text(text)
    info = site / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[nofx.handlers]\n{entry}\n")


class TestBuiltIns:
    @pytest.mark.parametrize("pattern", BUILT_INS)
    def test_every_entry_leads_to_a_handler_that_matches_it(self, tmp_path: Path, pattern: str) -> None:
        tool = pattern.replace("*", "release")
        handler = found(Registry(tmp_path), tool)
        assert isinstance(handler, StepHandler)
        assert handler.match(tool)

    @pytest.mark.parametrize("tool", ["manual:", "manual:*", "manual", "gate:lint2", "shel", "", "gate:*"])
    def test_what_is_not_in_the_table_is_not_found(self, tmp_path: Path, tool: str) -> None:
        assert Registry(tmp_path).find(tool) is None

    def test_the_patterns_are_told(self, tmp_path: Path) -> None:
        handlers: Handlers = Registry(tmp_path)
        assert handlers.patterns() == (
            *("shell", "manual:*", "gate:format", "gate:lint", "gate:typecheck", "gate:unit", "gate:test"),
            *("gate:coverage", "gate:sast", "gate:secrets", "gate:audit", "gate:build"),
            *("codegen", "agent:claude", "agent:codex", "agent:aider", "agent:gemini"),
            *("http", "git_pr", "db_write", "notify", "workspace:write", "test:echo", "test:fail"),
        )

    def test_gates_of_the_project_are_told_among_them_once(self, tmp_path: Path) -> None:
        gates = {"lint": GateSpec("lint", enabled=False), "licences": GateSpec("licences", ("licences",))}
        handlers: Handlers = Registry(tmp_path, lambda: gates)
        assert handlers.patterns() == (*BUILT_INS, "gate:licences")

    def test_a_tool_imports_its_own_module_and_nothing_heavy(self, tmp_path: Path) -> None:
        plugin(tmp_path, "deploy.py")
        code = (
            "import sys; from pathlib import Path; from nofx_cli.handlers.registry import Registry;"
            f"Registry(Path({str(tmp_path)!r})).find('test:echo'); print(' '.join(sys.modules))"
        )
        loaded = set(subprocess.check_output([sys.executable, "-c", code], text=True).split())
        heavy = {"importlib.metadata", "shlex", "shutil", "difflib", "logging", "tempfile", "subprocess", "xml"}
        assert loaded & heavy == set()
        assert {name for name in loaded if name.startswith("nofx_cli.handlers")} == {
            "nofx_cli.handlers",
            "nofx_cli.handlers.registry",
            "nofx_cli.handlers.inputs",
            "nofx_cli.handlers.test_tools",
        }


class TestPlugins:
    def test_a_file_of_the_project_adds_tools(self, tmp_path: Path) -> None:
        plugin(tmp_path, "deploy.py")
        handler = found(Registry(tmp_path), "deploy:production")
        assert repr(handler.run(FakeContext(tmp_path))) == "Succeeded(outputs={'to': 'production'}, gate=None)"

    def test_files_may_share_what_lies_in_a_file_with_an_underscore(self, tmp_path: Path) -> None:
        plugin(tmp_path, "_shared.py", PLUGIN.replace("HANDLERS", "_UNUSED"))
        plugin(tmp_path, "deploy.py", "from ._shared import Deploy\nHANDLERS = [Deploy('x')]\n")
        registry = Registry(tmp_path)
        found(registry, "deploy:x")
        assert registry.broken() == ()

    def test_two_projects_with_the_same_file_name_do_not_meet(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            plugin(tmp_path / name, "deploy.py", PLUGIN.replace("staging", name))
        one, two = Registry(tmp_path / "one"), Registry(tmp_path / "two")
        found(one, "deploy:one")
        found(two, "deploy:two")
        assert two.find("deploy:one") is None

    def test_it_is_not_loaded_for_a_built_in_tool(self, tmp_path: Path) -> None:
        plugin(
            tmp_path,
            "deploy.py",
            f"import pathlib; pathlib.Path({str(tmp_path / 'loaded')!r}).touch()\nHANDLERS = []\n",
        )
        registry = Registry(tmp_path)
        found(registry, "shell")
        assert not (tmp_path / "loaded").exists()
        assert registry.find("deploy") is None
        assert (tmp_path / "loaded").exists()

    def test_a_plugin_cannot_take_a_built_in_tool_over(self, tmp_path: Path) -> None:
        plugin(tmp_path, "all.py", PLUGIN.replace('tool == f"deploy:{self.to}"', "True"))
        registry = Registry(tmp_path)
        found(registry, "anything")
        assert type(found(registry, "shell")).__name__ == "Shell"

    def test_many_threads_get_one_handler_loaded_once(self, tmp_path: Path) -> None:
        note = f"with open({str(tmp_path / 'loads')!r}, 'a') as loads: loads.write('x')\n"
        plugin(tmp_path, "deploy.py", note + PLUGIN)
        registry = Registry(tmp_path)
        with ThreadPoolExecutor(8) as pool:
            handlers = list(pool.map(registry.find, ["deploy:staging"] * 64))
        assert len({id(handler) for handler in handlers}) == 1
        assert (tmp_path / "loads").read_text() == "x"

    def test_an_installed_package_adds_tools(self, tmp_path: Path, installed: Path) -> None:
        install(installed, package="deployer", text=PLUGIN, entry="deployer = deployer:HANDLERS")
        found(Registry(tmp_path), "deploy:staging")
        sys.modules.pop("deployer")

    def test_the_project_comes_before_installed_packages(self, tmp_path: Path, installed: Path) -> None:
        install(installed, package="deployer2", text=PLUGIN, entry="d = deployer2:HANDLERS")
        plugin(tmp_path, "deploy.py")
        assert type(found(Registry(tmp_path), "deploy:staging")).__module__.startswith("nofx_handlers_")
        assert "deployer2" not in sys.modules


class TestBrokenPlugins:
    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("\nimport no_such_module\n", ":2: ModuleNotFoundError: No module named 'no_such_module'"),
            ("x = 1\n\ndef (\n", ":3: SyntaxError: invalid syntax"),
            ("raise SystemExit(3)\n", ":1: SystemExit: 3"),
            ("HANDLER = 1\n", ": has no list `HANDLERS` of its handlers"),
            ("HANDLERS = [3]\n", ": names 3, which has no match(tool) and run(ctx)"),
            (f"{PLUGIN}\nHANDLERS = [Deploy]\n", ": names the class Deploy, not a handler: write Deploy()"),
        ],
    )
    def test_it_is_told_with_file_line_and_reason(self, tmp_path: Path, text: str, told: str) -> None:
        plugin(tmp_path, "broken.py", text)
        with pytest.raises(errors.InvalidInput) as caught:
            Registry(tmp_path).find("deploy:x")
        assert caught.value.code == "plugin-broken"
        assert caught.value.message == (
            "no handler has the tool `deploy:x`, and a plugin that may have it cannot be loaded: "
            f"nofx_handlers/broken.py{told}"
        )
        assert caught.value.hint == "mend nofx_handlers/broken.py, or take it away"

    def test_it_breaks_only_what_no_other_handler_has(self, tmp_path: Path) -> None:
        plugin(tmp_path, "a_broken.py", "1 / 0\n")
        plugin(tmp_path, "deploy.py")
        registry = Registry(tmp_path)
        found(registry, "shell")
        found(registry, "deploy:staging")
        assert [str(broken) for broken in registry.broken()] == [
            "nofx_handlers/a_broken.py:1: ZeroDivisionError: division by zero"
        ]
        with pytest.raises(errors.InvalidInput, match="a_broken"):
            registry.find("deploy:other")

    def test_it_is_told_each_time(self, tmp_path: Path) -> None:
        plugin(tmp_path, "a.py", "1 / 0\n")
        plugin(tmp_path, "b.py", "1 / 0\n")
        registry = Registry(tmp_path)
        for _ in range(2):
            with pytest.raises(errors.InvalidInput, match=r"division by zero \(and 1 more\)"):
                registry.find("x")

    def test_one_whose_match_raises_is_broken_too(self, tmp_path: Path) -> None:
        plugin(tmp_path, "deploy.py", PLUGIN.replace("self.to}", "self.nowhere}"))
        with pytest.raises(errors.InvalidInput, match=r"deploy\.py:11: AttributeError: 'Deploy' object has no"):
            Registry(tmp_path).find("deploy:staging")

    def test_an_installed_one_is_named_by_its_entry_point(self, tmp_path: Path, installed: Path) -> None:
        install(installed, package="nothing_there", text="", entry="mine = nothing_there:handler")
        with pytest.raises(errors.InvalidInput, match="entry point mine = nothing_there:handler: AttributeError"):
            Registry(tmp_path).find("x")
        sys.modules.pop("nothing_there")


@pytest.mark.parametrize("spec", [GateSpec("unit", ("true",)), GateSpec("unit", min_examined=7)])
def test_settings_of_a_gate_hold_by_its_other_name_too(tmp_path: Path, spec: GateSpec) -> None:
    registry = Registry(tmp_path, lambda: {"unit": spec})
    for tool in ("gate:unit", "gate:test"):
        assert found(registry, tool)._spec is spec  # type: ignore[attr-defined]
    own = GateSpec("test", ("false",))
    assert found(Registry(tmp_path, lambda: {"unit": spec, "test": own}), "gate:test")._spec is own  # type: ignore[attr-defined]


def test_agents_of_the_project_are_found_and_known_ones_take_their_settings(tmp_path: Path) -> None:
    agents = {"mine": AgentSpec("mine", ("mine",)), "codex": AgentSpec("codex", timeout_ms=5)}
    registry = Registry(tmp_path, agents=lambda: agents)

    assert found(registry, "agent:mine").match("agent:mine")
    assert found(registry, "agent:codex").default_timeout_ms == 5  # type: ignore[attr-defined]
    assert found(registry, "agent:claude").match("agent:claude")
    assert registry.find("agent:other") is None
    assert registry.patterns() == (*BUILT_INS, "agent:mine")
