"""Ways by which git runs other programs: settings given on the command line, aliases, and options of subcommands."""

from collections.abc import Mapping

from nofx_cli.safety.command_lists import GIT_COMMANDS
from nofx_cli.safety.command_options import Words
from nofx_cli.safety.command_rules import VALUE_OPTIONS
from nofx_cli.safety.command_seen import Seen, hidden
from nofx_cli.safety.shell_words import Undecidable

_GLOBAL = ("-c", "--config-env", "--exec-path", "--git-dir", "-p", "--paginate")
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "archive": ("--exec", "--remote"),
    "bisect": ("run", "visualize", "view"),
    "clone": ("-u", "--upload-pack", "-c", "--config", "--template"),
    "fetch": ("--upload-pack",),
    "fetch-pack": ("--exec", "--upload-pack"),
    "grep": ("-O", "--open-files-in-pager"),
    "help": ("-w", "--web", "-m", "--man", "-i", "--info"),
    "init": ("--template",),
    "interpret-trailers": ("--trailer",),
    "ls-remote": ("--upload-pack", "--exec"),
    "pull": ("--upload-pack",),
    "push": ("--receive-pack", "--exec"),
    "rebase": ("-x", "--exec", "-i", "--interactive", "--edit-todo"),
    "send-pack": ("--receive-pack", "--exec"),
    "submodule": ("foreach", "update"),
}
_LETTERS_IN_CLUSTERS = frozenset(("clone", "grep", "rebase"))
_HARMLESS_SETTINGS = (
    *("user.", "color.", "init.defaultbranch", "push.default", "push.autosetupremote", "pull.rebase", "pull.ff"),
    *("core.autocrlf", "core.quotepath", "core.eol", "core.filemode", "core.longpaths", "advice.", "commit.gpgsign"),
    *("tag.gpgsign", "fetch.prune", "merge.ff", "merge.conflictstyle", "rerere.", "log.date", "safe.directory"),
)
_CHANGES_SETTINGS = frozenset(
    (
        *("set", "edit", "-e", "--edit", "--add", "--replace-all", "-f", "--file", "rename-section", "--blob"),
        *("--rename-section", "--unset", "--unset-all", "unset", "remove-section", "--remove-section"),
    )
)
_TRANSPORTS = ("ext::", "fd::")


def look(name: str, words: Words) -> Seen | None:
    """What git would run besides itself; None where the name is not git's."""
    if name != "git":
        return None
    at = 1
    while at < len(words) and (words[at].text.startswith("-") or not words[at].known):
        if not words[at].known:
            raise Undecidable(f"which command of git `{words[at]}` stands for cannot be told beforehand")
        option = words[at].text.partition("=")[0]
        is_harmless = option == "-c" and _is_harmless(words[at + 1 : at + 2])
        if option in _GLOBAL and not is_harmless and words[at].text != "--exec-path":
            return hidden(f"`git {option}` can make git run other programs", words[at].text, option)
        at += 2 if words[at].text in VALUE_OPTIONS["git"] else 1
    if at >= len(words):
        return Seen()
    return _look_at_command(words[at].text, words[at + 1 :])


def _is_harmless(setting: Words) -> bool:
    return bool(setting) and setting[0].text.lower().startswith(_HARMLESS_SETTINGS)


def _look_at_command(command: str, arguments: Words) -> Seen:
    if command not in GIT_COMMANDS:
        return hidden(f"`git {command}` is an alias, or runs other programs by itself", command)
    if command == "config" and (setting := _changed_setting(arguments)):
        return hidden(f"the setting `{setting}` can make git run other programs", setting)
    for word in arguments:
        if word.text.startswith(_TRANSPORTS):
            return hidden(f"`{word}` is a program that git is to run", word.text)
    found = _running_option(command, arguments)
    if found:
        return hidden(f"`git {command} {found}` can run other programs", found)
    return Seen()


def _running_option(command: str, arguments: Words) -> str:
    """The first argument that makes the subcommand run others, or may."""
    wanted = _OPTIONS.get(command, ())
    for word in arguments:
        if not wanted or (word.known and word.text == "--"):
            break
        if (not word.known and word.maybe_option) or any(_is(word.text, option, command) for option in wanted):
            return str(word)
    return ""


def _is(text: str, option: str, command: str) -> bool:
    if not option.startswith("-"):
        return text == option
    if option.startswith("--"):
        name = text.partition("=")[0]
        return len(name) > 3 and option.startswith(name)
    in_cluster = command in _LETTERS_IN_CLUSTERS and text[:1] == "-" and text[:2] != "--"
    return text.startswith(option) or (in_cluster and option[1] in text[1:])


def _changed_setting(arguments: Words) -> str:
    """The setting that `git config` changes, unless it is known to run nothing."""
    if any(not word.known and word.maybe_option for word in arguments[:1]):
        return str(arguments[0])
    operands = [word for word in arguments if not word.text.startswith("-")]
    if not any(word.text in _CHANGES_SETTINGS for word in arguments) and len(operands) < 2:
        return ""
    changing = [word for word in operands if word.text not in _CHANGES_SETTINGS]
    if {word.text for word in arguments} & {"-e", "--edit", "edit", "-f", "--file"} or not changing:
        return "any"
    name = str(changing[0])
    return "" if changing[0].known and _is_harmless((changing[0],)) else name
