"""How a model is asked to write changes of files, where `nofx.yaml` does not say.

Search/replace blocks are shorter and cheaper, but only large models quote the text to be replaced without a slip. What
is small or not known writes whole files.
"""

import re

from nofx_cli.domain.models import EditFormat
from nofx_cli.models.providers import model_id

_LARGE = re.compile(
    r"(^|[/.-])(gpt-4\.1|gpt-[5-9]|o[134]\b|claude-(.*-)?(sonnet|opus|fable|mythos)|claude-[3-9].*(sonnet|opus)|gemini-[\d.]+-(pro|flash)"
    r"|deepseek-(chat|reasoner|coder|v\d|r\d)|grok-([3-9]|code)|kimi-k\d|glm-[4-9]|qwen\d*(\.\d+)?-(max|coder-plus)"
    r"|qwen3-coder|mistral-large|devstral|codestral|gpt-oss-120b|minimax-m\d)"
)
_SMALL = re.compile(r"(^|[:/.-])(mini|nano|lite|tiny|small|distill)\b")
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b\b")
_LARGE_FROM_BILLIONS = 70


def edit_format_of(model: str) -> EditFormat:
    """What suits a model, judged by its name."""
    name = model_id(model).lower()
    sizes = [float(size) for size in _SIZE.findall(name)]
    if _SMALL.search(name) or (sizes and max(sizes) < _LARGE_FROM_BILLIONS):
        return EditFormat.WHOLE
    if _LARGE.search(name) or sizes:
        return EditFormat.SEARCH_REPLACE
    return EditFormat.WHOLE
