"""Which files configure the programs that gates run, how each is read, and which gates its settings concern.

A file of a known form is read into flat values (`tool.ruff.lint.select`), so that a change can be judged; of any other
only the digest is kept. Of files that hold much else, such as `pyproject.toml`, only what configures gates is taken.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from nofx_cli.config.settings import SETTINGS_FILE
from nofx_cli.domain.ids import JsonValue
from nofx_cli.handlers.gates.integrity.concerns import (
    AUDIT,
    BUILD,
    BUILT_IN,
    COVERAGE,
    FORMAT,
    LINT,
    OWN,
    SAST,
    SECRETS,
    STYLE,
    TESTS,
    TYPES,
    Concerns,
)
from nofx_cli.handlers.gates.integrity.reading import Reader, ini, json_with_comments, lines, opaque, toml, yaml_

Values = Mapping[str, JsonValue]


class Configuration(NamedTuple):
    """One kind of file.

    Attributes:
        pattern: of its name, in any folder.
        concerns: the gates that all of it concerns.
        tables: for files that hold much else: which of its keys count, by their beginnings, and whom they concern.
        by_lines: whether each line stands for itself, so that an absent file is as an empty one.
    """

    pattern: str
    read: Reader
    concerns: Concerns = OWN
    tables: tuple[tuple[str, Concerns], ...] = ()
    by_lines: bool = False

    def of_key(self, key: str) -> Concerns | None:
        """The gates that a value concerns; None where it configures none."""
        if not self.tables:
            return self.concerns
        return next((concerns for start, concerns in self.tables if f"{key}.".startswith(start)), None)


_PYPROJECT = (
    *((f"tool.{name}.", STYLE) for name in ("ruff", "black", "isort", "yapf")),
    *((f"tool.{name}.", LINT) for name in ("flake8", "pylint")),
    *((f"tool.{name}.", TYPES) for name in ("mypy", "pyright", "basedpyright", "pyre", "ty")),
    ("tool.pytest.", TESTS),
    ("tool.coverage.", COVERAGE),
    ("tool.bandit.", SAST),
    ("tool.detect-secrets.", SECRETS),
    ("tool.pip-audit.", AUDIT),
)
_PACKAGING = tuple(
    f"tool.{name}."
    for name in (
        "poetry", "hatch.version", "hatch.build", "uv", "setuptools", "setuptools_scm", "commitizen", "bumpversion",
        "towncrier", "flit", "pdm.version", "pdm.build", "semantic_release", "bumpver",
    )
)  # fmt: skip
"""Tables that say how the project is packed and released."""
_INI = (
    ("pytest.", TESTS), ("tool:pytest.", TESTS), ("coverage:", COVERAGE), ("flake8.", LINT), ("pylint", LINT),
    ("mypy", TYPES), ("isort.", STYLE), ("pycodestyle.", LINT), ("bandit.", SAST), ("tox", OWN), ("testenv", OWN),
)  # fmt: skip
_PACKAGE_JSON = (
    *((f"scripts.{before}test", TESTS) for before in ("", "pre", "post")),
    *((f"scripts.{before}lint", LINT) for before in ("", "pre", "post")),
    *((f"scripts.{name}", TYPES) for name in ("typecheck", "type-check", "tsc")),
    *((f"scripts.{before}build", BUILD | TESTS) for before in ("", "pre", "post")),
    ("scripts.", TESTS | BUILD),  # what the tests' script calls may be any of them
    *((f"{name}.", TESTS) for name in ("jest", "nyc", "c8", "mocha", "vitest", "ava")),
    ("eslintConfig.", LINT),
    ("eslintIgnore.", LINT),
    ("prettier.", FORMAT),
)
_GATES = tuple(
    (f"gates.{name}.", TESTS if name in {"unit", "test"} else frozenset({name})) for name in sorted(BUILT_IN)
)

CONFIGURATIONS: tuple[Configuration, ...] = (
    Configuration("pyproject.toml", toml, tables=(*_PYPROJECT, ("tool.", OWN))),
    Configuration("setup.cfg", ini, tables=_INI),
    Configuration("tox.ini", ini, tables=_INI),
    *(Configuration(name, ini, TESTS) for name in ("pytest.ini", ".pytest.ini")),
    *(Configuration(name, toml, TESTS) for name in ("pytest.toml", ".pytest.toml")),
    *(Configuration(name, toml, STYLE) for name in ("ruff.toml", ".ruff.toml")),
    *(Configuration(name, ini, LINT) for name in (".flake8", ".pylintrc", "pylintrc")),
    *(Configuration(name, ini, TYPES) for name in ("mypy.ini", ".mypy.ini")),
    Configuration("pyrightconfig.json", json_with_comments, TYPES),
    *(Configuration(name, ini, COVERAGE) for name in (".coveragerc", ".coveragerc.*")),
    Configuration(".bandit", ini, SAST),
    *(Configuration(name, yaml_, SAST) for name in ("bandit.yaml", "bandit.yml", ".bandit.y*ml")),
    Configuration("conftest.py", opaque, TESTS),
    Configuration("package.json", json_with_comments, tables=_PACKAGE_JSON),
    *(Configuration(name, json_with_comments, TYPES) for name in ("tsconfig*.json", "jsconfig.json")),
    Configuration(".eslintignore", lines, LINT, by_lines=True),
    *(Configuration(name, json_with_comments, LINT) for name in (".eslintrc", ".eslintrc.json")),
    *(Configuration(name, yaml_, LINT) for name in (".eslintrc.yaml", ".eslintrc.yml")),
    *(Configuration(name, opaque, LINT) for name in (".eslintrc.*", "eslint.config.*")),
    Configuration(".prettierignore", lines, FORMAT, by_lines=True),
    *(Configuration(name, opaque, FORMAT) for name in (".prettierrc*", "prettier.config.*", ".editorconfig")),
    *(Configuration(name, opaque, STYLE) for name in ("biome.json", "biome.jsonc")),
    *(
        Configuration(name, opaque, TESTS)
        for name in (
            "jest.config.*", "jest.setup.*", "vitest.config.*", "vitest.setup.*", "vitest.workspace.*", "vite.config.*",
            ".mocharc*", "karma.conf.*", "playwright.config.*", "cypress.config.*", ".nycrc*", ".c8rc*", "setupTests.*",
            "babel.config.*", ".babelrc*",
        )
    ),
    Configuration(".npmrc", opaque, AUDIT | TESTS),
    Configuration(".gitignore", lines, STYLE | SECRETS, by_lines=True),
    Configuration(".ignore", lines, STYLE, by_lines=True),
    *(
        Configuration(name, opaque, OWN)
        for name in ("Makefile", "GNUmakefile", "makefile", "justfile", "noxfile.py", ".pre-commit-config.yaml")
    ),
)  # fmt: skip
_AT_THE_TOP = (
    Configuration(SETTINGS_FILE, yaml_, tables=(*_GATES, ("gates.", OWN), ("approvals.weakened.", BUILT_IN))),
)  # fmt: skip
_EXACT = {one.pattern: one for one in CONFIGURATIONS if "*" not in one.pattern}
_GLOBS = [one for one in CONFIGURATIONS if "*" in one.pattern]
_MAYBE = re.compile(r"\.|ts|js|eslint|prettier|jest|vite|karma|playwright|cypress|setup|babel")


def configuration_of(path: str) -> Configuration | None:
    """What a file configures, by its path below the workspace; None where it configures nothing known."""
    found = next((one for one in _AT_THE_TOP if one.pattern == path), None)
    if found is not None:
        return found
    name = path.rpartition("/")[2]
    if name in _EXACT:
        return _EXACT[name]
    if not _MAYBE.match(name):
        return None
    return next((one for one in _GLOBS if fnmatchcase(name, one.pattern)), None)


def kept_values(configuration: Configuration, values: Values) -> Values:
    """Those of the values that configure gates."""
    return {
        key: value
        for key, value in values.items()
        if configuration.of_key(key) is not None and not _is_packaging(configuration, key)
    }


def _is_packaging(configuration: Configuration, key: str) -> bool:
    return configuration.read is toml and f"{key}.".startswith(_PACKAGING)
