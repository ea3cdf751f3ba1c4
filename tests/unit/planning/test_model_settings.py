"""What `models:` of nofx.yaml becomes, and what it is told of."""

from decimal import Decimal

import pytest

from nofx_cli import errors
from nofx_cli.domain.models import (
    BUILT_IN_PROVIDERS,
    EditFormat,
    ModelSettings,
    ModelsSpec,
    Price,
    ProviderSpec,
    TimeLimits,
)
from nofx_cli.models.providers import Providers
from nofx_cli.planning.project_rules import load_project_rules

SECRETS = "secrets: {llm: {OPENAI_API_KEY: {env: X}, lower: {env: Y}}}\n"
FULL = """\
models:
  routes: {codegen: [openai/gpt-5, local/smollm2], docs: router/meta/llama-3:free}
  providers:
    local: {base_url: "http://127.0.0.1:8080/v1", key: none}
    openai: {key: llm/OPENAI_API_KEY}
    router: {base_url: "https://router.example.org/v1", key: llm/lower}
  settings:
    local/smollm2: {price: {input: 0, output: "0.10", cached: 0.025}, edits: whole, max_output_tokens: 512}
    openai/gpt-5: {price: {input: 1.25, output: 10}}
  limits: {connect: 5s, first_token: 1m, whole: 3m}
  attempts: 9
"""


def load(text: str) -> ModelsSpec | None:
    return load_project_rules(text, source="nofx.yaml").models


def told(text: str) -> str:
    with pytest.raises(errors.InvalidInput) as caught:
        load(text)
    assert caught.value.code == "settings-invalid"
    return caught.value.message + repr(caught.value.context)


def provider(text: str) -> str:
    return f"{SECRETS}models: {{providers: {{{text}}}}}"


def test_everything_arrives() -> None:
    assert load(FULL + SECRETS) == ModelsSpec(
        providers={
            "local": ProviderSpec("local", "http://127.0.0.1:8080/v1", "none", "nofx.yaml:4"),
            "openai": ProviderSpec("openai", "", "llm/OPENAI_API_KEY", "nofx.yaml:5"),
            "router": ProviderSpec("router", "https://router.example.org/v1", "llm/lower", "nofx.yaml:6"),
        },
        routes={"codegen": ("openai/gpt-5", "local/smollm2"), "docs": ("router/meta/llama-3:free",)},
        settings={
            "local/smollm2": ModelSettings(
                Price(Decimal(0), Decimal("0.10"), Decimal("0.025")), EditFormat.WHOLE, max_output_tokens=512
            ),
            "openai/gpt-5": ModelSettings(Price(Decimal("1.25"), Decimal(10))),
        },
        limits=TimeLimits(5_000, 60_000, 180_000),
        attempts=9,
    )


def test_what_is_not_said_has_defaults() -> None:
    assert load("models: {}") == ModelsSpec()
    assert load("policy: {}") is None


def test_what_is_built_in_is_what_the_router_has_built_in() -> None:
    assert tuple(one.name for one in Providers(ModelsSpec(), {})) == BUILT_IN_PROVIDERS


@pytest.mark.parametrize("url", ["http://localhost:1/v1", "http://127.8.9.1/v1", "http://[::1]:80/v1"])
def test_on_this_machine_nothing_need_be_said_of_a_key_and_one_may_go_over_http(url: str) -> None:
    assert load(provider(f"x: {{base_url: '{url}'}}"))
    assert load(provider(f"x: {{base_url: '{url}', key: llm/lower}}"))


def test_a_key_goes_over_plain_http_where_that_is_said() -> None:
    assert load(provider("x: {base_url: 'http://10.1.2.3/v1', key: llm/lower, insecure: true}"))
    assert load(provider("x: {base_url: 'http://10.1.2.3/v1', key: none}"))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            "models: {routes: {codegen: [gpt-5]}}",
            "1:29: error[settings-bad-name]: `gpt-5` cannot be the name of a model",
        ),
        (
            "models: {routes: {codegen: [opnai/a]}}",
            "1:29: the provider `opnai` of `opnai/a` is not built in, and is not declared",
        ),
        ("models: {routes: {codegen: opnai/a}}", "did you mean `openai`?"),
        (
            "models: {routes: {docs: [openai/a, openai/b, openai/a]}}",
            "1:46: `openai/a` stands in route `docs` twice",
        ),
        ("models: {routes: {docs: []}}", "`docs` of `routes` of `models` is empty"),
        ("models: {routes: {code: [openai/a]}}", "unknown key `code` in `routes` of `models`"),
        (
            "models: {settings: {x/y: {edits: whole}}}",
            "1:21: the provider `x` of `x/y` is not built in, and is not declared",
        ),
        (
            "models: {settings: {openai/y: {edits: hole}}}",
            "`edits` of model `openai/y` takes whole, search-replace or unified-diff, not the text `hole`",
        ),
        (
            "models: {settings: {openai/y: {price: {input: -1, output: 1}}}}",
            "1:47: `input` of `price` of model `openai/y` takes US dollars such as 2.00, not `-1`",
        ),
        ("models: {settings: {openai/y: {price: {input: 1}}}}", "`output` is missing in `price` of model `openai/y`"),
        ("models: {limits: {whole: 10}}", "error[settings-bad-duration]: `whole` of `limits` of `models` takes"),
        ("models: {attempts: 0}", "`attempts` of `models` takes a whole number from 1 to 100, not `0`"),
        ("models: 1", "1:9: error[settings-bad-type]: `models` takes a mapping, not `1`"),
        (
            provider("x: {key: none}"),
            "2:22: provider `x` is not built in, so it must have a `base_url`",
        ),
        (
            provider("openai: {key: llm/OPENAI_KEY}"),
            "2:36: the key of provider `openai` is `llm/OPENAI_KEY`, which `secrets` does not declare",
        ),
        (provider("openai: {key: llm/OPENAI_KEY}"), "did you mean `llm/OPENAI_API_KEY`?"),
        (
            "models: {providers: {openai: {key: vault/TOKEN}}}",
            "declare it: secrets: {vault: {TOKEN: {env: TOKEN}}}",
        ),
        (
            provider("x: {base_url: 'https://x.org/v1'}"),
            "2:36: provider `x` has a `base_url` of its own, so it must say which `key` goes there",
        ),
        (
            provider("openai: {base_url: 'https://x.org/v1'}"),
            "provider `openai` has a `base_url` of its own, so it must say which `key` goes there",
        ),
        (
            provider("x: {base_url: 'http://x.org/v1', key: llm/lower}"),
            "2:36: the key of provider `x` would go over plain http to another machine",
        ),
        (
            provider("x: {base_url: 'http://localhost.example.org/', key: llm/lower, insecure: false}"),
            "would go over plain http",
        ),
        (provider("x: {base_url: 'http://127.0.0.1.example.org/', key: llm/lower}"), "would go over plain http"),
        (
            provider("x: {base_url: 'ftp://x.org', key: none}"),
            "2:36: `base_url` of provider `x` takes an address such as https://llm.example.org/v1, not the text `ftp://x.org`",
        ),
        (provider("x: {base_url: x.org, key: none}"), "takes an address such as https://llm.example.org/v1"),
        (provider("x: {base_url: 'https://', key: none}"), "`base_url` of provider `x` cannot be used"),
        (provider("x: {base_url: 'https://2130706433/v1', key: none}"), "`base_url` of provider `x` cannot be used"),
    ],
)
def test_a_fault_is_told_at_its_place(text: str, fault: str) -> None:
    assert fault in told(text).replace("error[settings-bad-value]: ", "")


def test_all_faults_are_told_at_once() -> None:
    text = FULL.replace("openai/gpt-5,", "opnai/gpt-5,").replace("edits: whole", "edits: x").replace("9", "x")
    assert told(text + SECRETS).count(": error[settings-") == 3


def test_secrets_that_have_faults_themselves_are_not_said_to_be_missing() -> None:
    assert "does not declare" not in told("secrets: 1\nmodels: {providers: {openai: {key: llm/OPENAI_API_KEY}}}")


@pytest.mark.parametrize(
    "text",
    [
        "openai: {key: VALUE}",
        "openai: {key: llm/VALUE}",
        "openai: {key: [VALUE]}",
        "openai: {key: {llm: VALUE}}",
        "openai: {api_key: VALUE}",
        "openai: VALUE",
        "openai: [VALUE]",
        "x: {base_url: 'https://me:VALUE@x.org/v1', key: none}",
        "x: {base_url: 'https://x.org/v1?key=VALUE', key: none}",
        "x: {base_url: 'https://x.org/v1#VALUE', key: none}",
        "}, api_key: VALUE, y: {",
        "}, settings: {openai/a: {key: VALUE}}, y: {",
        "}, limits: {Authorization: VALUE}, y: {",
        "}, y: VALUE, z: {",
    ],
)
def test_a_key_that_stands_in_the_place_of_its_source_is_not_told(text: str) -> None:
    value = "Ab3dEfGh1JkLmN0pQrStUvWx"
    found = told(provider(text.replace("VALUE", value)))
    assert value not in found
    assert "***" in found


def test_keys_in_the_place_of_all_providers_are_not_told_either() -> None:
    for text in ("models: VALUE", "models: [VALUE]", "models: {providers: VALUE}", "models: {providers: [VALUE]}"):
        assert "Ab3dEfGh1JkLmN0p" not in told(text.replace("VALUE", "Ab3dEfGh1JkLmN0p"))
