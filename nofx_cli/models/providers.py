"""Providers: where a model is asked, and where the key for it comes from."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from nofx_cli import errors
from nofx_cli.domain.models import ModelsSpec, ProviderSpec
from nofx_cli.domain.record import record

BUILT_IN = "built-in"
OLLAMA = "ollama"
OPENAI = "openai"
ANTHROPIC = "anthropic"
NO_KEY = "none"
_OLLAMA_PORT = 11434


@record
class Provider:
    """A provider that models can be asked of.

    Attributes:
        base_url: of its API, with a slash at the end.
        variables: where its key lies, the first that is set counts; empty where it comes from a secret, or is none.
        key: `<scope>/<NAME>` of a secret, or `none`; empty where a variable has it.
        source: `nofx.yaml:12`, a variable that has its address, or `built-in`.
        fault: why nothing may be sent to that address; empty where something may.
    """

    name: str
    base_url: str
    variables: tuple[str, ...] = ()
    key: str = ""
    source: str = BUILT_IN
    fault: str = ""

    @property
    def is_local(self) -> bool:
        """Whether it runs on this machine."""
        return is_loopback(self.base_url)


_BUILT_IN = (
    Provider(OPENAI, "https://api.openai.com/v1/", ("OPENAI_API_KEY",)),
    Provider(ANTHROPIC, "https://api.anthropic.com/v1/", ("ANTHROPIC_API_KEY",)),
    Provider(
        "gemini", "https://generativelanguage.googleapis.com/v1beta/openai/", ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    ),
    Provider(OLLAMA, f"http://127.0.0.1:{_OLLAMA_PORT}/v1/", key=NO_KEY),
)
KEY_VARIABLES = tuple(name for provider in _BUILT_IN for name in provider.variables)


class Providers:
    """The built-in ones, as `nofx.yaml` and the environment change them, and those of `nofx.yaml`."""

    def __init__(self, spec: ModelsSpec, environ: Mapping[str, str]) -> None:
        self._known = {provider.name: _moved(provider, environ) for provider in _BUILT_IN}
        for name, said in spec.providers.items():
            self._known[name] = _as_said(said, self._known.get(name))

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._known.values())

    def of(self, model: str) -> Provider:
        """The provider of a model's whole name.

        Raises:
            errors.InvalidInput: there is none of that name (code `unknown-provider`), the name names no provider or no
                model (code `no-model`), or nothing may be sent to where it is (code `bad-provider-address`).
        """
        name, _, rest = model.partition("/")
        if not (name and rest):
            raise errors.InvalidInput(
                f"{model!r} is no model: its name is <provider>/<model>",
                code="no-model",
                hint=f"write it so: {name if rest else OPENAI}/{rest or name or 'MODEL'}; see nofx models list",
            )
        if name not in self._known:
            raise self._unknown(name, model)
        provider = self._known[name]
        if provider.fault:
            raise errors.InvalidInput(
                f"{provider.source} cannot be used: {provider.fault}",
                code="bad-provider-address",
                hint=f"mend it, or say in nofx.yaml where {name} is: models: {{providers: {{{name}: "
                "{base_url: 'https://…/v1', key: <scope>/<NAME>}}}",
                context={"provider": name},
            )
        return provider

    def _unknown(self, name: str, model: str) -> errors.InvalidInput:
        from difflib import get_close_matches

        close = get_close_matches(name, self._known, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        return errors.InvalidInput(
            f"the provider {name!r} of {model} is not known; there are {', '.join(self._known)}",
            code="unknown-provider",
            hint=f"{meant}nofx.yaml declares others: "
            f"models: {{providers: {{{name}: {{base_url: 'https://…/v1', key: <scope>/<NAME>}}}}}}",
            context={"provider": name, "model": model},
        )


def model_id(model: str) -> str:
    """What the provider calls a model: its name without the provider."""
    return model.partition("/")[2]


def is_loopback(url: str) -> bool:
    """Whether an address is one of this machine, as far as its text tells."""
    from nofx_cli.safety.hosts import is_on_this_machine

    return is_on_this_machine(url)


def ollama_url(host: str) -> str:
    """The address of Ollama, from what `OLLAMA_HOST` says in any of its forms: `host`, `:1`, `host:1`, `http://host`.

    The address to listen on (`0.0.0.0`) is reached by loopback. Without a scheme the port is Ollama's own.
    """
    text = host.strip().strip("\"'")
    parts = urlsplit(text if "://" in text else f"//{text}")
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104 - nothing is bound here
    try:
        port = parts.port
    except ValueError:
        port = None
    scheme = parts.scheme or "http"
    if port is None and not parts.scheme:
        port = _OLLAMA_PORT
    shown = f"[{name}]" if ":" in name else name
    return f"{scheme}://{shown}" + (f":{port}" if port is not None else "")


def _moved(provider: Provider, environ: Mapping[str, str]) -> Provider:
    """A built-in provider where a variable of its own says that it is elsewhere."""
    from dataclasses import replace

    if provider.name == OPENAI and (url := environ.get("OPENAI_BASE_URL", "").strip()):
        shown = "" if _may_hold_secret(url) else _with_slash(url)
        return replace(provider, base_url=shown, source="OPENAI_BASE_URL", fault=_fault_of(url))
    if provider.name == OLLAMA and (host := environ.get("OLLAMA_HOST", "").strip()):
        return replace(provider, base_url=f"{ollama_url(host)}/v1/", source="OLLAMA_HOST")
    return provider


def _fault_of(url: str) -> str:
    """Why a key may not be sent to an address of a variable, by the rules of those in `nofx.yaml`."""
    from nofx_cli.safety.hosts import UnreadableHost, read_address

    if not url.startswith(("http://", "https://")):
        return "it is no address such as https://llm.example.org/v1"
    if _may_hold_secret(url):
        return "an address ends before `?` and `#` and has no user in it; a key comes from a variable or a secret"
    try:
        read_address(url)
    except UnreadableHost as exc:
        return str(exc)
    is_plain = url.startswith("http:") and not is_loopback(url)
    return "the key would go over plain http to another machine" if is_plain else ""


def _may_hold_secret(url: str) -> bool:
    return any(sign in url for sign in "@?#")


def _as_said(said: ProviderSpec, built_in: Provider | None) -> Provider:
    """A provider of `nofx.yaml`. The key of a usual variable does not go to another machine than the usual one."""
    base_url = _with_slash(said.base_url) if said.base_url else built_in.base_url if built_in else ""
    is_usual = not said.base_url or is_loopback(base_url)
    variables = built_in.variables if built_in and not said.key and is_usual else ()
    key = said.key
    if not key and not variables and is_loopback(base_url):
        key = NO_KEY
    fault = built_in.fault if built_in and not said.base_url else ""
    source = built_in.source if built_in and fault else said.source or "nofx.yaml"
    return Provider(said.name, base_url, variables, key, source, fault)


def _with_slash(url: str) -> str:
    return url.rstrip("/") + "/"
