"""What to write where no model is configured: nothing is chosen for anybody, as models cost money."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from nofx_cli import errors
from nofx_cli.domain.models import KINDS
from nofx_cli.models.keys import variable_of
from nofx_cli.models.providers import KEY_VARIABLES, OLLAMA, Providers, is_loopback

EXAMPLES = {
    "openai": "openai/gpt-6.1-terra",
    "anthropic": "anthropic/claude-sonnet-5-5",
    "gemini": "gemini/gemini-3.8-flash",
}
_PROBE_SECONDS = 0.3
_MOST_BYTES = 1_000_000


def no_model(kind: str, providers: Providers, environ: Mapping[str, str]) -> errors.InvalidInput:
    """The error of a route that is not configured, with the line to put into `nofx.yaml`."""
    if kind not in KINDS:
        return errors.InvalidInput(
            f"{kind!r} is no kind of question; there are {', '.join(KINDS)}", code="no-model", context={"kind": kind}
        )
    known = [provider for provider in providers if provider.name in EXAMPLES]
    set_ = {provider.name: name for provider in known if (name := variable_of(provider, environ))}
    ways = [f"{_line(kind, EXAMPLES[name])} ({variable} is set)" for name, variable in set_.items()]
    ways += [f"{_line(kind, f'{OLLAMA}/{model}')} (Ollama runs here)" for model in local_models(providers)[:1]]
    if ways:
        hint = f"put into nofx.yaml: {', or: '.join(ways)}"
    else:
        names = f"{', '.join(KEY_VARIABLES[:-1])} or {KEY_VARIABLES[-1]}"
        hint = f"set {names}, and put into nofx.yaml, for example: {_line(kind, EXAMPLES['openai'])}"
    return errors.InvalidInput(f"no model is configured for {kind}", code="no-model", hint=hint, context={"kind": kind})


def local_models(providers: Providers) -> list[str]:
    """The models of an Ollama on this machine; empty where none answers at once."""
    ollama = next(provider for provider in providers if provider.name == OLLAMA)
    parts = urlsplit(ollama.base_url)
    if not is_loopback(ollama.base_url) or parts.scheme != "http" or parts.hostname is None:
        return []
    connection = HTTPConnection(parts.hostname, parts.port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/api/tags")
        told = json.loads(connection.getresponse().read(_MOST_BYTES))
    except (OSError, HTTPException, ValueError):
        return []
    finally:
        connection.close()
    listed = told.get("models") if isinstance(told, dict) else None
    names = [one.get("name") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [name for name in names if isinstance(name, str) and name]


def _line(kind: str, model: str) -> str:
    return f"models: {{routes: {{{kind}: [{json.dumps(model) if ':' in model else model}]}}}}"
