"""Keys of providers: found when a model is asked, told to the masker, kept for the calls that follow."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from nofx_cli import errors
from nofx_cli.models.providers import NO_KEY, Provider

SecretsOf: TypeAlias = Callable[[tuple[str, ...]], Mapping[str, str]]
Learn: TypeAlias = Callable[[Iterable[str]], None]


class Keys:
    """Looks keys up. Threads may share it."""

    def __init__(self, environ: Mapping[str, str], secrets_of: SecretsOf, learn: Learn) -> None:
        self._environ, self._secrets_of, self._learn = environ, secrets_of, learn
        self._found: dict[str, str] = {}

    def of(self, provider: Provider) -> str:
        """The key to send to a provider; empty where it wants none.

        Raises:
            errors.InvalidInput: there is none, or what there is cannot be one (code `model-key-missing`).
            errors.NofxError: the secret cannot be had (code `secret-unavailable`).
        """
        if provider.key == NO_KEY:
            return ""
        if provider.name not in self._found:
            key = self._secret(provider) if provider.key else self._variable(provider)
            self._learn([key])
            self._found[provider.name] = _usable(key, provider)
        return self._found[provider.name]

    def forget(self, provider: Provider) -> None:
        """The provider refused the key: it may have been changed, and is looked up anew the next time."""
        self._found.pop(provider.name, None)

    def _variable(self, provider: Provider) -> str:
        name = variable_of(provider, self._environ)
        if name:
            return self._environ[name].strip()
        if not provider.variables:
            raise _missing(
                provider, f"{provider.source} says of no key", f"models: {{providers: {_example(provider)}}}"
            )
        names = " and ".join(provider.variables)
        lacks = "is" if len(provider.variables) == 1 else "are"
        raise _missing(provider, f"{names} {lacks} not set", f"export {provider.variables[0]}=…")

    def _secret(self, provider: Provider) -> str:
        scope, _, name = provider.key.partition("/")
        key = self._secrets_of((scope,)).get(name, "").strip()
        if not key:
            declared = f"secrets: {{{scope}: {{{name}: {{env: {name}}}}}}}"
            raise _missing(
                provider, f"the secret {provider.key} of {provider.source} is empty or not declared", declared
            )
        return key


def variable_of(provider: Provider, environ: Mapping[str, str]) -> str:
    """The variable that a provider's key is in now; empty where none is set."""
    return next((name for name in provider.variables if environ.get(name, "").strip()), "")


def _usable(key: str, provider: Provider) -> str:
    """A header takes visible ASCII only; what was pasted with a line end or a typographic dash is told here."""
    if key.isascii() and key.isprintable() and " " not in key:
        return key
    where = provider.key or " or ".join(provider.variables)
    raise _missing(
        provider, f"what {where} holds has characters that no key has", "set it anew, without blanks and quotes"
    )


def _missing(provider: Provider, why: str, remedy: str) -> errors.InvalidInput:
    return errors.InvalidInput(
        f"there is no key for {provider.name}: {why}",
        code="model-key-missing",
        hint=f"{remedy}; in nofx.yaml a key may also come from a secret: "
        f"models: {{providers: {{{provider.name}: {{key: <scope>/<NAME>}}}}}}",
        context={"provider": provider.name},
    )


def _example(provider: Provider) -> str:
    return f"{{{provider.name}: {{base_url: '{provider.base_url}', key: none}}}}"
