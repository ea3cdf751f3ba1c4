import pytest

from nofx_cli.safety.masking_names import secret_values


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
