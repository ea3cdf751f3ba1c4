"""An answer, gathered from the chunks of a stream or from one whole body. Whatever a server sends, nothing is made up:
what is missing stays missing, and what is not understood is an error that is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nofx_cli.domain.models import Finish
from nofx_cli.domain.record import record
from nofx_cli.domain.wording import shortened
from nofx_cli.models.token_counts import Counted, count

DONE = "[DONE]"
_LONGEST = 500
_FINISHES: dict[str, Finish] = {
    **dict.fromkeys(("stop", "end_turn", "stop_sequence", "eos", "eos_token"), "stop"),
    **dict.fromkeys(("length", "max_tokens", "model_length"), "length"),
    **dict.fromkeys(
        ("content_filter", "refusal", "safety", "recitation", "prohibited_content", "blocklist"), "refused"
    ),
}


@record
class ErrorInside:
    """An error that came with status 200."""

    words: str
    code: int = 0
    """An HTTP status, where the error has one."""


class Gathered:
    """What has come of an answer so far."""

    def __init__(self) -> None:
        self.done = False
        self.began = False
        """Whether the model has said, or thought, anything."""
        self.error: ErrorInside | None = None
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._finish: str | None = None
        self._usage: object = None

    @property
    def text(self) -> str:
        """The answer, without what was thought; where the model refused in words of their own, these."""
        return "".join(self._text) or "".join(self._refusal)

    @property
    def is_whole(self) -> bool:
        """Whether the answer has come to its end: it said so, or something came and the stream was closed properly."""
        return self._finish is not None or (self.done and bool(self._text or self._refusal))

    @property
    def finish(self) -> Finish:
        if self._refusal:
            return "refused"
        return _FINISHES.get((self._finish or "").lower(), "unknown")

    @property
    def counted(self) -> Counted:
        return count(self._usage, answered=self.began)

    def take(self, value: object) -> Iterator[str]:
        """Take a chunk, or a whole answer; gives the pieces of the answer's text in it."""
        if not isinstance(value, Mapping):
            self.error = ErrorInside(f"it answered with {type(value).__name__} in place of an object")
            return
        if value.get("usage") is not None:
            self._usage = value["usage"]
        if value.get("error"):
            self.error = error_inside(value["error"])
            return
        choices = value.get("choices")
        for choice in choices if isinstance(choices, Sequence) and not isinstance(choices, str) else ():
            if isinstance(choice, Mapping) and choice.get("index", 0) in (0, None):
                yield from self._choice(choice)

    def _choice(self, choice: Mapping[Any, Any]) -> Iterator[str]:
        said = choice.get("delta") or choice.get("message")
        if isinstance(said, Mapping):
            yield from self._said(said)
        elif isinstance(choice.get("text"), str):
            yield from self._piece(choice["text"])
        finish = choice.get("finish_reason")
        if choice.get("error") or finish == "error":
            self.error = error_inside(choice.get("error") or "it ended its answer with an error")
        elif isinstance(finish, str) and finish:
            self._finish = finish

    def _said(self, said: Mapping[Any, Any]) -> Iterator[str]:
        if said.get("reasoning_content") or said.get("reasoning") or said.get("thinking"):
            self.began = True
        content = said.get("content")
        for part in content if isinstance(content, list) else (content,):
            text = part.get("text") if isinstance(part, Mapping) and part.get("type", "text") == "text" else part
            if isinstance(text, str):
                yield from self._piece(text)
        refusal = said.get("refusal")
        if isinstance(refusal, str) and refusal:
            self.began = True
            self._refusal.append(refusal)

    def _piece(self, text: str) -> Iterator[str]:
        if text:
            self.began = True
            self._text.append(text)
            yield text


def error_inside(error: object) -> ErrorInside:
    """Read an error as a server words it, in any of the usual forms."""
    if not isinstance(error, Mapping):
        return ErrorInside(words_of(error))
    code = error.get("code")
    status = error.get("status")
    found = next((one for one in (code, status) if isinstance(one, int) and not isinstance(one, bool)), 0)
    return ErrorInside(words_of(error), found)


def words_of(error: object) -> str:
    """What an error says, in one line and not too long."""
    if isinstance(error, Sequence) and not isinstance(error, str | bytes) and error:
        error = error[0]
    if isinstance(error, Mapping):
        inner = error.get("error")
        if isinstance(inner, Mapping | str) and inner:
            return words_of(inner)
        error = next((error[name] for name in ("message", "detail", "msg", "code", "type") if error.get(name)), error)
        if isinstance(error, list):
            return words_of(error)
    return shortened(" ".join(str(error).split()), _LONGEST)
