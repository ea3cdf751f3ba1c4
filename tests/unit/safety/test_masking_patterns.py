"""Tokens are put together here, so that no scanner takes this file for a leak."""

import base64
import hashlib
import json
import random
import string
import timeit
import uuid
from functools import partial
from time import thread_time

import pytest

from nofx_cli.safety.masking import Masker
from nofx_cli.safety.masking_patterns import LONGEST, PATTERNS

CHANCE = random.Random(69)


def some(count: int, characters: str = string.ascii_letters + string.digits) -> str:
    return "".join(CHANCE.choice(characters) for _ in range(count))


HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + "234567"
WORD = string.ascii_letters + string.digits + "_-"
BODY = "\n".join(some(64) for _ in range(12)) + "\n" + some(22) + "=="
JWT = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
    for part in ({"alg": "HS256"}, {"sub": "ada"})
)
TOKENS = {
    "github": "gh" + "p_" + some(36),
    "github-app": "gh" + "s_" + some(36),
    "github-fine": "github" + "_pat_" + some(22) + "_" + some(59),
    "gitlab": "gl" + "pat-" + some(20, WORD),
    "gitlab-runner": "gl" + "rt-" + some(20, WORD),
    "gitlab-job": "gl" + "cbt-" + some(20, WORD),
    "aws": "AK" + "IA" + some(16, UPPER),
    "aws-session": "AS" + "IA" + some(16, UPPER),
    "google": "AI" + "za" + some(35, WORD),
    "google-oauth": "ya" + "29." + some(60, WORD),
    "google-client": "GOC" + "SPX-" + some(28, WORD),
    "slack": "xo" + "xb-" + some(12, string.digits) + "-" + some(24),
    "slack-app": "xa" + "pp-1-" + some(11) + "-" + some(60, HEX),
    "stripe": "sk" + "_live_" + some(24),
    "stripe-restricted": "rk" + "_test_" + some(99),
    "stripe-hook": "wh" + "sec_" + some(32),
    "openai": "sk" + "-" + some(48),
    "openai-project": "sk" + "-proj-" + some(120, WORD),
    "openai-service": "sk" + "-svcacct-" + some(60, WORD),
    "anthropic": "sk" + "-ant-api03-" + some(93, WORD) + "AA",
    "npm": "np" + "m_" + some(36),
    "pypi": "py" + "pi-AgEIcHlwaS5vcmc" + some(80, WORD),
    "sendgrid": "SG" + "." + some(22, WORD) + "." + some(43, WORD),
    "twilio": "SK" + some(32, HEX),
    "hugging-face": "hf" + "_" + some(34),
    "jwt": JWT + "." + some(43, WORD),
}
LEFT = {
    "Authorization: Bearer ": some(30),
    "authorization: basic ": base64.b64encode(b"ada:swordfish").decode(),
    '{"Authorization": "Bearer ': some(20),
    "curl -H 'Authorization: Token ": some(40, HEX),
    "https://hooks.slack.com/services/": f"T{some(8, UPPER)}/B{some(8, UPPER)}/{some(24)}",
    "aws_secret_access_key = ": some(40),
    'export AWS_SECRET_ACCESS_KEY="': some(40),
    '"SecretAccessKey": "': some(40),
    "postgres://ada:": "sword:f!sh",
    "-----BEGIN RSA PRIVATE KEY-----\n": BODY,
    "-----BEGIN OPENSSH PRIVATE KEY-----\\n": BODY.replace("\n", "\\n"),
    "-----BEGIN PRIVATE KEY-----\r\n    ": BODY.replace("\n", "\r\n    "),
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,": f"{some(32, HEX).upper()}\n\n{BODY}",
}
BEHIND = {
    "postgres://ada:": "@db/x",
    "https://hooks.slack.com/services/": "'",
    "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,": "-----END",
}


@pytest.mark.parametrize("name", TOKENS)
def test_tokens_of_services(name: str) -> None:
    token, masker = TOKENS[name], Masker()

    assert masker.text(token) == "***"
    assert masker.text(f"key={token}; '{token}' ({token})\n{token}") == "key=***; '***' (***)\n***"
    assert masker.text(json.dumps({"key": token})) == '{"key": "***"}'
    assert masker.text(json.dumps(json.dumps([token]))) == json.dumps(json.dumps(["***"]))
    assert masker.text(f"https://{token}@example.org/") == "https://***@example.org/"


@pytest.mark.parametrize("lead", LEFT)
def test_what_stands_before_a_secret_stays(lead: str) -> None:
    behind = BEHIND.get(lead, '"' if "KEY-----" not in lead else "-----END")

    assert Masker().text(f"before {lead}{LEFT[lead]}{behind} after") == f"before {lead}***{behind} after"


@pytest.mark.parametrize("lead", LEFT)
def test_json_stays_json(lead: str) -> None:
    data = {"log": f'"{lead}{LEFT[lead]}{BEHIND.get(lead, "")}"', "next": 1}
    once = json.dumps(data)

    for text in (once, json.dumps({"inner": once})):
        masked = Masker().text(text)
        assert LEFT[lead][:20] not in masked
        assert list(json.loads(masked))[-1:] == list(json.loads(text))[-1:]


NONE = {
    "sha-1": hashlib.sha1(b"commit", usedforsecurity=False).hexdigest(),
    "sha-256": "sha256:" + hashlib.sha256(b"image").hexdigest(),
    "integrity": '"integrity": "sha512-' + base64.b64encode(hashlib.sha512(b"npm").digest()).decode() + '"',
    "uuid": str(uuid.UUID(int=CHANCE.getrandbits(128))),
    "run": "20261122-091530-7k3f9q",
    "key": "20261122-091530-7k3f9q:notes:44136fa355b3",
    "picture": "data:image/png;base64," + base64.b64encode(CHANCE.randbytes(200_000)).decode(),
    "base64-lines": base64.encodebytes(CHANCE.randbytes(100_000)).decode(),
    "hex": CHANCE.randbytes(50_000).hex(),
    "public-key": f"-----BEGIN PUBLIC KEY-----\n{BODY}\n-----END PUBLIC KEY-----",
    "certificate": f"-----BEGIN CERTIFICATE-----\n{BODY}\n-----END CERTIFICATE-----",
    "code": 'if text.startswith("-----BEGIN RSA PRIVATE KEY-----"):\n    raise ValueError("a private key")',
    "ports": "http://localhost:8080/x http://[::1]:80/@a https://example.org:443/@scope/name git@host:owner/name",
    "json-url": '{"url":"http://host:80","mail":"ada@example.org"}',
    "place-holders": "https://${USER}:${PASS}@host https://me:<token>@host https://me:***@host ghp_... sk-... AKIA...",
    "header": "Authorization: Bearer $TOKEN, Authorization: Bearer <token>, WWW-Authenticate: Basic realm=x",
    "words": "task-management-with-rather-long-names sk-folding-cube-container-with-long-class-name glass-morphism-x",
    "dotted": "SG.example.org MSG.a.b ya29.txt eyJ.eyJ eyJhbGciOi.png",
    "names": "github_patches npm_config_registry hf_hub_download xoxo-xoxo pypi-publish whsec_key sk_live_mode",
    "npm-tree": "npm_package_dependencies_eslint_plugin_import_resolver_typescript=^3.6.1",
    "aws-words": "AKIAMAN SK8 SKIP SKETCH ASIAN aws_secret_access_key = ${KEY}",
    "zeros": "0" * 4000 + "a" * 4000 + "-" * 4000 + "=" * 4000,
}


@pytest.mark.parametrize("name", NONE)
def test_what_only_looks_like_one(name: str) -> None:
    assert Masker().text(NONE[name]) == NONE[name]


def test_a_token_in_the_middle_of_a_word_is_none() -> None:
    assert Masker().text("x" + TOKENS["github"]) == "x" + TOKENS["github"]


@pytest.mark.parametrize(
    "text", ["eyJ" * 20_000, "a://b:" * 20_000, "authorization: " * 8_000, "PRIVATE KEY-----\n" * 8_000]
)
def test_the_cost_is_linear(text: str) -> None:
    piece = text[: len(text) // 16]
    masker = Masker()
    masker.text(text)
    took = [timeit.repeat(partial(masker.text, t), timer=thread_time, number=1, repeat=5) for t in (text, piece)]
    whole, part = map(min, took)

    assert whole < 100 * part + 0.002, "16 times the text: 16 times the time where it is linear, 256 times where not"


def test_what_is_held_back_is_bounded() -> None:
    assert LONGEST <= 1024
    for pattern in PATTERNS:
        assert pattern.longest <= LONGEST
