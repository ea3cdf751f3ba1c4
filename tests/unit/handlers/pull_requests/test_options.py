"""The inputs of `git_pr`: each fault is told in words, and templates are not judged."""

import pytest

from nofx_cli.domain.ids import JsonObject
from nofx_cli.handlers.pull_requests.options import ListedFile, branch_fault, faults, read_options

FILES = [{"path": "a.md", "content": "a"}]


@pytest.mark.parametrize(
    ("inputs", "told"),
    [
        ({}, "`title` is missing"),
        ({"title": "a\nb"}, "`title` must be one line"),
        ({"title": " "}, "`title` must be one line"),
        ({"title": "a" * 251}, "`title` is longer than 248 characters"),
        ({"titel": "a"}, "`titel` is not an input of this tool; did you mean `title`?"),
        ({"title": "a", "forge": "bitbucket"}, "`forge` must be one of github, gitlab, none, not bitbucket"),
        ({"title": "a", "changes": "all"}, "`changes` must be one of workspace, not all"),
        ({"title": "a", "if_empty": "no"}, "`if_empty` must be one of fail, skip, not no"),
        ({"title": "a", "branch": "-x"}, "`branch` is no name of a branch"),
        ({"title": "a", "branch": "nofx/x"}, "`branch` begins with `nofx/`, as the branches of worktrees do"),
        ({"title": "a", "repository": "shop"}, "`repository` must be written like `owner/name`"),
        ({"title": "a", "author": "Ada"}, "`author` must be written like `Ada Lovelace <ada@example.org>`"),
        ({"title": "a", "labels": ["x", 1]}, "`labels` must be a list of texts"),
        ({"title": "a", "files": []}, "`files` is empty"),
        ({"title": "a", "files": FILES, "changes": "workspace"}, "give either `files` or `changes`"),
        ({"title": "a", "files": [1]}, "`files[0]` must be a path or a mapping, not a whole number"),
        ({"title": "a", "files": [*FILES, "a.md"]}, "`files` has a.md more than once"),
        ({"title": "a", "files": [{"content": "a"}]}, "`files[0]` must have a `path`"),
        (
            {"title": "a", "files": [{"path": "a"}]},
            "`files[0]` must have one of `from`, `artifact`, `output`, `content`",
        ),
        (
            {"title": "a", "files": [{"path": "a", "content": "", "from": "workspace"}]},
            "`files[0]` must have one of `from`, `artifact`, `output`, `content`",
        ),
        ({"title": "a", "files": [{"path": "a", "content": 1}]}, "`files[0]` has a `content` that is no text"),
        ({"title": "a", "files": [{"path": "a", "from": "b"}]}, "`files[0]` has a `from` that is not `workspace`"),
        (
            {"title": "a", "files": [{"path": "a", "artifact": "notes"}]},
            "`files[0]` has an `artifact` that is not written like `step/name`",
        ),
        (
            {"title": "a", "files": [{"path": "a", "output": ".x"}]},
            "`files[0]` has an `output` that is not written like `step.key`",
        ),
        (
            {"title": "a", "files": [{"path": "a", "content": "", "mode": "755"}]},
            "`files[0]` has `mode`, which is none of path, from, artifact, output, content, executable",
        ),
        (
            {"title": "a", "files": [{"path": "a", "content": "", "executable": "yes"}]},
            "`files[0]` has an `executable` that is neither true nor false",
        ),
    ],
)
def test_faults_are_told(inputs: JsonObject, told: str) -> None:
    assert told in faults(inputs)


@pytest.mark.parametrize(
    "inputs",
    [
        {"title": "a"},
        {"title": "{{ x }}", "branch": "{{ y }}", "repository": "{{ z }}", "forge": "{{ f }}", "files": "{{ g }}"},
        {"title": "a", "branch": "", "repository": "", "author": "", "forge": "", "base": "", "if_empty": ""},
        {"title": "a", "files": [{"path": "a", "artifact": "{{ x }}"}, "b.md", {"path": "c", "output": "s.k"}]},
    ],
)
def test_what_is_right_and_what_is_a_template(inputs: JsonObject) -> None:
    assert faults(inputs) == []


@pytest.mark.parametrize(
    "name", ["a..b", "a//b", "/a", "a/", "a.lock", "a.lock/b", ".a", "a/.b", "a.", "a b", "a~b", ""]
)
def test_no_names_of_branches(name: str) -> None:
    assert branch_fault(name)


@pytest.mark.parametrize("name", ["a", "nofx-pr/a/b", "weekly.notes", "a-b_c"])
def test_names_of_branches(name: str) -> None:
    assert branch_fault(name) == ""


def test_what_they_mean() -> None:
    options = read_options(
        {
            "title": " Notes ",
            "files": ["a.md", {"path": "b", "output": "s.k", "executable": True}],
            "base": "refs/heads/main",
            "api_url": "https://git.example.org/api/v3/",
            "author": "Ada Lovelace <ada@example.org>",
            "labels": ["x"],
        }
    )
    assert options.title == "Notes"
    assert options.files == (ListedFile("a.md", "from"), ListedFile("b", "output", "s.k", executable=True))
    assert (options.base, options.remote) == ("main", "origin")
    assert options.api_url == "https://git.example.org/api/v3"
    assert options.author == ("Ada Lovelace", "ada@example.org")
    assert (options.labels, options.draft, options.skips_if_empty) == (("x",), False, False)
    assert read_options({"title": "a", "changes": "workspace"}).files is None
