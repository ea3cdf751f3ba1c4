"""Whether a setting that was changed is weaker than before, and what to say of it.

What a name means is told by its last part, which is much the same from one tool to another: `fail_under`, `ignore`,
`select`, `strict`. A change of anything else cannot be judged, and counts.
"""

import re
from collections.abc import Sequence

from nofx_cli.domain.ids import JsonValue
from nofx_cli.handlers.gates.integrity.words import how, listed

_FLOORS = frozenset({"fail_under", "floor", "min_examined", "branches", "functions", "lines", "statements"})
_LISTS_OF_WHAT_IS_LEFT_OUT = frozenset({
    "ignore", "extend_ignore", "exclude", "extend_exclude", "per_file_ignores", "extend_per_file_ignores", "omit",
    "exclude_lines", "exclude_also", "skips", "exclude_dirs", "disable_error_code", "norecursedirs", "deselect",
    "disable", "ignore_paths", "ignore_patterns", "ignorepatterns", "testpathignorepatterns", "eslintignore",
    "coveragepathignorepatterns", "modulepathignorepatterns", "partial_branches", "excluded",
})  # fmt: skip
_LISTS_OF_WHAT_IS_LOOKED_AT = frozenset({
    "select", "extend_select", "enable_error_code", "testpaths", "include", "extend_include", "files", "source",
    "source_pkgs", "paths", "enable", "targets", "tests", "testmatch", "collectcoveragefrom", "roots", "python_files",
    "python_functions", "python_classes", "packages", "modules",
})  # fmt: skip
_ONLY_MORE = frozenset({"extend_select", "extend_include", "enable_error_code", "enable"})
_STRICT = re.compile(
    r"strict.*|.*strict|disallow_.*|warn_.*|check_untyped_defs|no_implicit_.*|local_partial_types|extra_checks|branch"
    r"|enabled|noimplicit.*|nounused.*|nounchecked.*|nofallthrough.*|exactoptional.*|useunknownincatch.*|checkjs"
    r"|show_error_codes|force_exclude|nopropertyaccess.*"
)
_LAX = re.compile(
    r"ignore_errors|ignore_missing_imports|skip_?lib_?check|allow_?.*|implicit_.*|passwithnotests|exit_zero"
)
_CEILINGS = re.compile(r"max_.*|line_length|maxwarnings")
_HARMLESS = frozenset({
    "fix", "unsafe_fixes", "cache_dir", "pretty", "color_output", "log_level", "log_cli", "verbose", "show_missing",
    "skip_covered", "console_output_style", "$schema", "timeout", "output_format", "precision", "show_fixes",
})  # fmt: skip
_LEVELS = {
    "off": 0, "none": 0, "0": 0, "false": 0, "warn": 1, "warning": 1, "1": 1, "information": 1, "basic": 1,
    "error": 2, "2": 2, "true": 2, "standard": 2, "blocking": 2, "strict": 3,
}  # fmt: skip
_OPTIONS_OF_WHAT_IS_LEFT_OUT = ("--deselect", "--ignore", "--ignore-glob", "-k", "-m")
_HARMLESS_OPTION = re.compile(
    r"-[rvqlsn].*|--tb\b.*|--color\b.*|--durations.*|--cov-report\b.*|--numprocesses.*|--show.*"
)


def weaker(key: str, was: JsonValue, now: JsonValue) -> str:
    """What to say of a value that was changed; None stands for an absent one. Empty: it is no weaker than before."""
    if was == now or _leaf(key) in _HARMLESS:
        return ""
    if _leaf(key) == "addopts":
        return _weaker_options(key, was, now)
    if key.startswith("scripts."):
        return _weaker_script(key, was, now)
    name = _short(key)
    for judge in (_floor, _list, _flag, _level):
        said = judge(key, was, now)
        if said is not None:
            return f"{name} {said}" if said else ""
    return f"{name} was {how(was, now)}"


def _floor(key: str, was: JsonValue, now: JsonValue) -> str | None:
    leaf = _leaf(key)
    if leaf not in _FLOORS and not _CEILINGS.fullmatch(leaf):
        return None
    before, after = _number(was), _number(now)
    if leaf in _FLOORS:
        if before is None:
            return "" if after is not None else None
        if after is None:
            return f"was removed (it was {_text(was)})"
        return f"lowered from {_text(was)} to {_text(now)}" if after < before else ""
    if before is None or after is None:
        return None
    return f"raised from {_text(was)} to {_text(now)}" if after > before else ""


def _list(key: str, was: JsonValue, now: JsonValue) -> str | None:
    leaf = _leaf(key)
    if leaf in _LISTS_OF_WHAT_IS_LEFT_OUT or "per-file-ignores" in key or "per_file_ignores" in key:
        more = _without(_items(now), _items(was))
        return f"has {listed(more)} more" if more else ""
    if leaf not in _LISTS_OF_WHAT_IS_LOOKED_AT:
        return None
    if was is None:
        return "" if leaf in _ONLY_MORE else "was added"
    if now is None:
        return "was removed"
    less = _without(_items(was), _items(now))
    return f"has {listed(less)} no more" if less else ""


def _flag(key: str, was: JsonValue, now: JsonValue) -> str | None:
    leaf, before, after = _leaf(key), _truth(was), _truth(now)
    if before is None and after is None:
        return None
    if _STRICT.fullmatch(leaf):
        return "" if after else "is off" if after is False else "was removed"
    if _LAX.fullmatch(leaf):
        return "is on" if after else ""
    return None


def _level(key: str, was: JsonValue, now: JsonValue) -> str | None:
    leaf = _leaf(key)
    if not (".rules." in f".{key}" or leaf.startswith("report") or leaf in {"typecheckingmode", "severity"}):
        return None
    if isinstance(was, list | tuple) or isinstance(now, list | tuple):
        if list(_items(was))[1:] != list(_items(now))[1:] and was is not None and now is not None:
            return None  # its options differ
        was, now = (next(iter(_items(one)), None) for one in (was, now))
    before, after = _LEVELS.get(_text(was).lower()), _LEVELS.get(_text(now).lower())
    if before is None:
        return "" if after == 2 else None
    if after is None:
        return None
    return f"lowered from {_text(was)} to {_text(now)}" if after < before else ""


def _weaker_options(key: str, was: JsonValue, now: JsonValue) -> str:
    before, after = _options(was), _options(now)
    said = []
    floors = [next((o.partition("=")[2] for o in options if o.startswith("--cov-fail-under")), None)
              for options in (before, after)]  # fmt: skip
    if floors[0] != floors[1]:
        said.append(weaker("fail_under", *floors).replace("fail_under", "--cov-fail-under", 1))
    plain = [[o for o in options if not o.startswith("--cov-fail-under")] for options in (before, after)]
    more = _without(plain[1], plain[0])
    less = [o for o in _without(plain[0], plain[1]) if not o.startswith(_OPTIONS_OF_WHAT_IS_LEFT_OUT)]
    if more:
        said.append(f"{_short(key)} has {listed(more)} more")
    if less:
        said.append(f"{_short(key)} has {listed(less)} no more")
    return "; ".join(filter(None, said))


def _options(value: JsonValue) -> list[str]:
    """The options of a command line, each with its value as `--name=value`; those that select nothing are left out."""
    import shlex

    try:
        words = shlex.split(value) if isinstance(value, str) else _items(value)
    except ValueError:
        words = _items(value)
    options: list[str] = []
    for word in words:
        if options and not word.startswith("-") and "=" not in options[-1]:
            options[-1] += f"={word}"
        else:
            options.append(word)
    return [option for option in options if not _HARMLESS_OPTION.fullmatch(option)]


def _weaker_script(key: str, was: JsonValue, now: JsonValue) -> str:
    """A script that is new is called by none of the others, but for those that run before and after another one."""
    if was is None and not key.startswith(("scripts.pre", "scripts.post")):
        return ""
    return f"{key} was {how(was, now)}"


def _leaf(key: str) -> str:
    return key.rpartition(".")[2].replace("-", "_").lower()


def _short(key: str) -> str:
    return key.removeprefix("tool.")


def _number(value: JsonValue) -> float | None:
    try:
        return None if isinstance(value, bool) or value is None else float(str(value).strip().rstrip("%"))
    except ValueError:
        return None


def _truth(value: JsonValue) -> bool | None:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if word in {"true", "yes", "on", "1"} else False if word in {"false", "no", "off", "0"} else None


def _items(value: JsonValue) -> list[str]:
    if isinstance(value, list | tuple):
        return [_text(item) for item in value]
    if value is None or isinstance(value, dict):
        return []
    return [item for item in re.split(r"[,\s]+", _text(value)) if item]


def _without(items: Sequence[str], others: Sequence[str]) -> list[str]:
    there = set(others)
    return [item for item in dict.fromkeys(items) if item not in there]


def _text(value: JsonValue) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
