"""Where a remote is, how it is reached, and who may have the token."""

import base64

import pytest

from nofx_cli import errors
from nofx_cli.handlers.pull_requests.pushing import push_failed, remote_failed
from nofx_cli.handlers.pull_requests.remote import is_address, may_have_token, reach, read_remote


@pytest.mark.parametrize(
    ("text", "address", "protocol", "host", "path"),
    [
        ("https://github.com/team/shop.git", "https://github.com/team/shop.git", "https", "github.com", "team/shop"),
        ("https://me:pass@github.com/team/shop", "https://github.com/team/shop", "https", "github.com", "team/shop"),
        ("git@github.com:team/shop.git", "git@github.com:team/shop.git", "ssh", "github.com", "team/shop"),
        ("ssh://git@g.example.org:22/a/b/c", "ssh://git@g.example.org:22/a/b/c", "ssh", "g.example.org:22", "a/b/c"),
        ("file:///srv/shop.git", "/srv/shop.git", "file", "", ""),
        ("/srv/shop.git", "/srv/shop.git", "file", "", ""),
        ("http://127.0.0.1:8080/team/shop", "http://127.0.0.1:8080/team/shop", "http", "127.0.0.1:8080", "team/shop"),
    ],
)  # fmt: skip
def test_addresses(text: str, address: str, protocol: str, host: str, path: str) -> None:
    remote = read_remote(text, of_plan=True)
    assert (remote.address, remote.protocol, remote.host, remote.path) == (address, protocol, host, path)


@pytest.mark.parametrize("text", ["http://github.com/team/shop", "git://github.com/a/b", "ftp://a/b", "https:///a/b"])
def test_addresses_that_are_refused(text: str) -> None:
    assert is_address(text)
    with pytest.raises(errors.InvalidInput) as caught:
        read_remote(text, of_plan=True)
    assert caught.value.code == "remote-invalid"


def test_programs_are_no_addresses() -> None:
    assert not is_address("ext::sh -c 'touch x'")
    assert not is_address("origin")


@pytest.mark.parametrize(
    ("address", "of_plan", "api_url", "may"),
    [
        ("https://github.com/a/b", False, "", True),
        ("https://evil.example/a/b", False, "", False),
        ("https://evil.example/a/b", False, "https://git.example.org/api/v3", False),
        ("https://git.example.org/a/b", False, "https://git.example.org/api/v3", True),
        ("https://evil.example/a/b", True, "", True),
        ("https://github.com.evil.example/a/b", False, "https://api.github.com", False),
    ],
)
def test_who_may_have_the_token(address: str, of_plan: bool, api_url: str, may: bool) -> None:
    assert may_have_token(read_remote(address, of_plan=of_plan), api_url, forge="github") is may


def test_the_token_is_in_the_environment_of_git_alone() -> None:
    remote = read_remote("https://github.com/a/b", of_plan=True)
    how = reach(remote, "s3cret", forge="github", check=lambda: None)
    environment = dict(how.environment({"GIT_CONFIG_COUNT": "1", "GIT_SSH_COMMAND": "ssh -i key", "GIT_DIR": "x"}))
    proof = base64.b64encode(b"x-access-token:s3cret").decode()
    assert environment["GIT_ALLOW_PROTOCOL"] == "https"
    assert environment["GIT_SSH_COMMAND"] == "ssh -i key"
    assert "GIT_DIR" not in environment
    assert environment["GIT_CONFIG_KEY_1"] == "credential.helper"
    [number] = [name.rpartition("_")[2] for name, value in environment.items() if value.endswith(proof)]
    assert environment[f"GIT_CONFIG_KEY_{number}"] == "http.https://github.com/.extraHeader"
    assert int(environment["GIT_CONFIG_COUNT"]) == int(number) + 1
    assert "s3cret" not in repr(how)


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ("fatal: Authentication failed for 'https://h/a/b/'", errors.Denied, "remote-denied"),
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", errors.Denied, "remote-denied"),
        ("git@h: Permission denied (publickey).\nfatal: Could not read", errors.Denied, "remote-denied"),
        ("remote: Repository not found.\nfatal: repository 'x' not found", errors.NotFound, "remote-not-found"),
        ("fatal: '/x' does not appear to be a git repository", errors.NotFound, "remote-not-found"),
        ("fatal: unable to access 'x': Could not resolve host: h", errors.Unavailable, "remote-unreachable"),
        ("fatal: unable to access: The requested URL returned error: 503", errors.Unavailable, "remote-unreachable"),
        ("fatal: odd", errors.Unavailable, "remote-failed"),
    ],
)
def test_what_git_says_of_a_remote(said: str, kind: type[errors.NofxError], code: str) -> None:
    error = remote_failed(read_remote("https://h.example/a/b", of_plan=True), said)
    assert (type(error), error.code) == (kind, code)
    assert error.hint or code == "remote-failed"


@pytest.mark.parametrize(
    ("told", "said", "code"),
    [
        ("!\tx:refs/heads/b\t[rejected] (stale info)", "", "push-raced"),
        ("!\tx:refs/heads/b\t[rejected] (non-fast-forward)", "", "push-raced"),
        ("!\tx:refs/heads/b\t[remote rejected] (protected branch hook declined)", "", "push-protected"),
        (
            "!\tx:refs/heads/b\t[remote rejected] (pre-receive hook declined)",
            "remote: GitLab: You are not allowed to push code to protected branches on this project.",
            "push-protected",
        ),
        ("!\tx:refs/heads/b\t[remote rejected] (pre-receive hook declined)", "remote: no ticket named", "push-refused"),
        ("", "fatal: the remote end hung up unexpectedly", "remote-unreachable"),
    ],
)
def test_what_git_says_of_a_push(told: str, said: str, code: str) -> None:
    error = push_failed(read_remote("https://h.example/a/b", of_plan=True), "b", told=told, said=said)
    assert error.code == code
    if code == "push-refused":
        assert error.message == "https://h.example/a/b refuses the push: no ticket named"
