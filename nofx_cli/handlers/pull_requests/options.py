"""The inputs of `git_pr`: what is taken, what is wrong with it, and what it means."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from nofx_cli.domain.ids import JsonObject, JsonValue
from nofx_cli.domain.record import record
from nofx_cli.handlers.inputs import Field, faults_of, is_template, word_for

FIELDS = {
    "title": Field(("text",), required=True),
    "body": Field(("text",)),
    "body_template": Field(("text",)),
    "files": Field(("list",)),
    "changes": Field(("text",)),
    "base": Field(("text",)),
    "branch": Field(("text",)),
    "remote": Field(("text",)),
    "forge": Field(("text",)),
    "api_url": Field(("text",)),
    "repository": Field(("text",)),
    "token": Field(("text",)),
    "draft": Field(("flag",)),
    "labels": Field(("list",)),
    "reviewers": Field(("list",)),
    "commit_message": Field(("text",)),
    "author": Field(("text",)),
    "if_empty": Field(("text",)),
    "message": Field(("text",)),
}
FORGES = ("github", "gitlab", "none")
SOURCES = ("from", "artifact", "output", "content")
_CHOICES = {"forge": FORGES, "changes": ("workspace",), "if_empty": ("fail", "skip")}
_TITLE = 248  # 255 at GitLab, which has `Draft: ` in it
_BRANCH = re.compile(r"(?!-)[A-Za-z0-9._/-]+")
_NO_BRANCH = re.compile(r"\.\.|//|/\.|^\.|\.$|/$|^/|\.lock(/|$)")
_OF_TEXTS = "\n\r\t"
_OF_WORKTREES = "nofx/"
_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)+")
_AUTHOR = re.compile(r"(?P<name>[^<>\n]*[^<>\s])\s*<(?P<mail>[^<>\s]+)>")


@record
class ListedFile:
    """A file that the plan lists: `kind` says where its content comes from, `value` what of it is meant."""

    path: str
    kind: str
    value: str = ""
    executable: bool | None = None


@record
class Options:
    """The inputs, read. What is empty is to be found out.

    Attributes:
        files: None where the run's own changes are meant.
    """

    title: str
    body: str
    body_template: str
    files: tuple[ListedFile, ...] | None
    base: str
    branch: str
    remote: str
    forge: str
    api_url: str
    repository: str
    token: str
    draft: bool
    labels: tuple[str, ...]
    reviewers: tuple[str, ...]
    commit_message: str
    author: tuple[str, str] | None
    skips_if_empty: bool


def read_options(inputs: JsonObject) -> Options:
    """What the rendered inputs mean; they have no `faults`."""
    text = {name: str(inputs.get(name, "")).strip() for name, field in FIELDS.items() if "text" in field.kinds}
    listed = inputs.get("files")
    files = tuple(_listed_file(item) for item in listed) if isinstance(listed, list | tuple) else None
    author = _AUTHOR.fullmatch(text["author"])
    return Options(
        title=text["title"],
        body=text["body"],
        body_template=text["body_template"],
        files=files,
        base=text["base"].removeprefix("refs/heads/"),
        branch=text["branch"],
        remote=text["remote"] or "origin",
        forge=text["forge"],
        api_url=text["api_url"].rstrip("/"),
        repository=text["repository"].strip("/"),
        token=text["token"],
        draft=inputs.get("draft") is True,
        labels=_texts(inputs.get("labels")),
        reviewers=_texts(inputs.get("reviewers")),
        commit_message=text["commit_message"],
        author=(author["name"], author["mail"]) if author else None,
        skips_if_empty=text["if_empty"] == "skip",
    )


def faults(inputs: JsonObject) -> list[str]:
    """What is wrong with the inputs, in words; what is still a template is not judged."""
    found = faults_of(inputs, FIELDS)
    more = (_choice_faults, _control_faults, _text_faults, _list_faults, _file_faults)
    return found or [fault for look in more for fault in look(inputs)]


def branch_fault(name: str) -> str:
    """Why a text cannot be the name of a branch; empty where it can."""
    if not _BRANCH.fullmatch(name) or _NO_BRANCH.search(name):
        return "is no name of a branch"
    if name.startswith(_OF_WORKTREES):
        return f"begins with `{_OF_WORKTREES}`, as the branches of worktrees do"
    return ""


def _choice_faults(inputs: JsonObject) -> Iterator[str]:
    for name, choices in _CHOICES.items():
        value = inputs.get(name, "")
        if value not in ("", *choices) and not is_template(value):
            yield f"`{name}` must be one of {', '.join(choices)}, not {value}"


def _control_faults(inputs: JsonObject) -> Iterator[str]:
    """Neither git nor forges take them, and terminals do as they say."""
    for name, value in inputs.items():
        allowed = _OF_TEXTS if name in ("body", "commit_message", "message") else ""
        for text in value if isinstance(value, list | tuple) else (value,):
            parts = text.values() if isinstance(text, Mapping) else (text,)
            is_file = isinstance(text, Mapping)
            if any(isinstance(part, str) and _is_odd(part.strip(), allowed, only_surrogates=is_file) for part in parts):
                yield f"`{name}` holds a control character, or what is no character"


def _is_odd(text: str, allowed: str, *, only_surrogates: bool) -> bool:
    return any(
        0xD800 <= ord(sign) < 0xE000
        or (not only_surrogates and sign not in allowed and unicodedata.category(sign) == "Cc")
        for sign in text
    )


def _text_faults(inputs: JsonObject) -> Iterator[str]:
    for name, fault in _TEXTS.items():
        value = inputs.get(name)
        is_said = isinstance(value, str) and (bool(value) or name == "title") and not is_template(value)
        if is_said and (why := fault(str(value).strip())):
            yield f"`{name}` {why}"


def _title_fault(title: str) -> str:
    if not title or "\n" in title:
        return "must be one line"
    return f"is longer than {_TITLE} characters" if len(title) > _TITLE else ""


def repository_fault(name: str) -> str:
    """Why a text cannot be the name of a repository at a forge; empty where it can."""
    is_name = _REPOSITORY.fullmatch(name.strip("/")) and not {".", ".."} & set(name.split("/"))
    return "" if is_name else "must be written like `owner/name`"


def _author_fault(author: str) -> str:
    return "" if _AUTHOR.fullmatch(author) else "must be written like `Ada Lovelace <ada@example.org>`"


_TEXTS: Mapping[str, Callable[[str], str]] = {
    "title": _title_fault,
    "branch": branch_fault,
    "repository": repository_fault,
    "author": _author_fault,
}


def _list_faults(inputs: JsonObject) -> Iterator[str]:
    for name in ("labels", "reviewers"):
        value = inputs.get(name, ())
        if isinstance(value, list | tuple) and not all(isinstance(one, str) and one.strip() for one in value):
            yield f"`{name}` must be a list of texts"


def _file_faults(inputs: JsonObject) -> Iterator[str]:
    listed = inputs.get("files")
    if not isinstance(listed, list | tuple):
        return
    if "changes" in inputs:
        yield "give either `files` or `changes`"
    if not listed:
        yield "`files` is empty"
    paths = []
    for place, item in enumerate(listed):
        where = f"`files[{place}]`"
        if isinstance(item, str):
            paths.append(item)
            continue
        if not isinstance(item, Mapping):
            yield f"{where} must be a path or a mapping, not {word_for(item)}"
            continue
        yield from (f"{where} {why}" for why in _faults_of_file(item))
        paths.append(str(item.get("path")))
    twice = sorted(path for path, times in Counter(paths).items() if times > 1 and not is_template(path))
    yield from (f"`files` has {path} more than once" for path in twice)


def _faults_of_file(item: JsonObject) -> Iterator[str]:
    unknown = sorted(set(item) - {"path", "executable", *SOURCES})
    if unknown:
        yield f"has `{unknown[0]}`, which is none of path, {', '.join(SOURCES)}, executable"
    if not isinstance(item.get("path"), str) or not item["path"]:
        yield "must have a `path`"
    given = [name for name in SOURCES if name in item]
    if len(given) != 1:
        yield f"must have one of {', '.join(f'`{name}`' for name in SOURCES)}"
        return
    [kind] = given
    value = item[kind]
    if not isinstance(value, str):
        yield f"has a `{kind}` that is no text"
    elif not is_template(value) and (why := _source_fault(kind, value)):
        yield why
    if not isinstance(item.get("executable", True), bool):
        yield "has an `executable` that is neither true nor false"


def _source_fault(kind: str, value: str) -> str:
    if kind == "from" and value != "workspace":
        return "has a `from` that is not `workspace`"
    separator, form = {"artifact": ("/", "step/name"), "output": (".", "step.key")}.get(kind, ("", ""))
    parts = value.partition(separator) if separator else ("ok", "", "ok")
    return "" if parts[0] and parts[2] else f"has an `{kind}` that is not written like `{form}`"


def _listed_file(item: JsonValue) -> ListedFile:
    if not isinstance(item, Mapping):
        return ListedFile(str(item), "from")
    [kind] = [name for name in SOURCES if name in item]
    executable = item.get("executable")
    return ListedFile(str(item["path"]), kind, str(item[kind]), executable if isinstance(executable, bool) else None)


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(str(one).strip() for one in value) if isinstance(value, list | tuple) else ()
