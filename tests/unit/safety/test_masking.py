import json

import pytest

from nofx_cli.domain.ids import JsonValue
from nofx_cli.safety.masking import Masker, secret_values

SECRET = 'pa"ss\\wörd\n'
PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nshort\n-----END KEY-----\n"


class TestText:
    @pytest.mark.parametrize(
        ("values", "text", "masked"),
        [
            (["swordfish"], "a swordfish, swordfishes", "a ***, ***es"),
            (["swordfish"], "swordfishswordfish", "******"),
            (["swordfish", "swordfish-2"], "swordfish-2", "***"),
            (["abcdefgh", "efghijkl"], "xabcdefghijklx", "x***x"),  # no rest of the second one is left
            (["aaaaaa"], "aaaaaaaaab", "***b"),
            (["short", ""], "short", "short"),
            (["  swordfish\n"], "swordfish", "***"),
            ([PEM], "key: MIIEvQIBADANBgkqhkiG, short", "key: ***, short"),
            ([PEM], f"<{PEM}>", "<***\n>"),
        ],
    )
    def test_every_occurrence_is_replaced(self, values: list[str], text: str, masked: str) -> None:
        assert Masker(values).text(text) == masked

    @pytest.mark.parametrize("ascii_only", [True, False])
    def test_text_that_is_json_already(self, ascii_only: bool) -> None:
        text = json.dumps({"line": f"<{SECRET.strip()}>"}, ensure_ascii=ascii_only)

        assert Masker([SECRET]).text(text) == '{"line": "<***>"}'

    def test_a_value_with_bytes_that_are_no_text(self) -> None:
        value = b"abc\xffdef".decode("utf-8", "surrogateescape")

        assert Masker([value]).stream().feed(b"<abc\xffdef>") == b"<***>"

    def test_without_values_nothing_is_touched(self) -> None:
        masker = Masker(["short"])
        text, chunk = "text", b"chunk"

        assert not masker.active
        assert masker.text(text) is text
        assert masker.stream().feed(chunk) is chunk

    def test_its_repr_does_not_tell(self) -> None:
        masker = Masker(["swordfish"])

        assert masker.active
        assert "swordfish" not in repr(masker) + repr(masker.stream())


def test_data_is_walked_with_its_keys() -> None:
    data: dict[str, JsonValue] = {"a swordfish": ["swordfish", 1, None, True, {"x": ("swordfish", 2.5)}]}

    assert Masker(["swordfish"]).data(data) == {"a ***": ["***", 1, None, True, {"x": ("***", 2.5)}]}
    assert list(data) == ["a swordfish"]
    assert Masker([]).data(data) is data


class TestStream:
    def test_a_secret_is_found_at_every_split(self) -> None:
        whole = "héllo swordfish, swordfishswordfish swordfis swordfish".encode()
        masked = Masker(["swordfish"]).text(whole.decode()).encode()

        for first in range(len(whole)):
            for second in range(first, len(whole)):
                stream = Masker(["swordfish"]).stream()
                pieces = [stream.feed(p) for p in (whole[:first], whole[first:second], whole[second:])]
                assert b"".join([*pieces, stream.flush()]) == masked

    def test_it_holds_back_no_more_than_may_be_a_secret(self) -> None:
        stream = Masker(["swordfish"]).stream()

        assert stream.feed(b"a line\n") == b"a line\n"
        assert stream.feed(b"sword") == b""
        assert stream.feed(b"-play") == b"sword-play"
        assert stream.flush() == b""

    def test_a_run_of_overlaps_is_one_however_long(self) -> None:
        stream = Masker(["aaaaaa"]).stream()

        assert b"".join(stream.feed(b"a" * 1000) for _ in range(50)) + stream.flush() == b"***"


class TestSecretValues:
    @pytest.mark.parametrize(
        "name",
        [
            "GITHUB_TOKEN",
            "NPM_CONFIG__AUTHTOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "PGPASSWORD",
            "MYSQL_ROOT_PASSWD",
            "OPENAI_API_KEY",
            "APIKEY",
            "SSH_PRIVATE_KEY",
            "GCP_CREDENTIALS",
            "NPM_AUTH",
            "GITLAB_PAT",
            "my_secret",
        ],
    )
    def test_names_of_secrets(self, name: str) -> None:
        assert secret_values({name: "swordfish"}) == ["swordfish"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PATH", "/usr/bin"),
            ("SSH_AUTH_SOCK", "/tmp/agent"),
            ("GIT_ASKPASS", "/usr/bin/ask"),
            ("TOKEN_FILE", "/run/token"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/run/key.json"),
            ("TOKENIZERS_PARALLELISM", "disabled"),
            ("MAX_TOKENS", "100000"),
            ("AUTHOR", "somebody"),
            ("COMPAT", "compatible"),
            ("NOFX_IDEMPOTENCY_KEY", "20261122-091530-7k3f9q:notes:44136fa355b3"),
            ("HOMEPAGE", "https://example.org/a:b@c"),
        ],
    )
    def test_names_of_what_is_none(self, name: str, value: str) -> None:
        assert secret_values({name: value}) == []

    def test_passwords_inside_of_urls(self) -> None:
        env = {"DATABASE_URL": "postgres://me:swordfish@db/x", "MIRRORS": "http://a:first-one@h http://b:second@h"}

        assert secret_values(env) == ["swordfish", "first-one", "second"]
