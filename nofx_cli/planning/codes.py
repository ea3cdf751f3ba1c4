"""What each diagnostic of a plan means: one table, from which the reference page is made."""

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "plan-syntax": "the text is not YAML that nofx reads: a syntax error, a second document, bytes that are not UTF-8",
    "plan-too-large": "the file, or what its aliases expand to, is beyond what a plan can be",
    "plan-merge-key": "`<<` merges mappings in YAML 1.1 only; nofx reads YAML 1.2",
    "plan-unknown-tag": "a tag such as `!include` that plans do not have",
    "plan-unknown-key": "a key that does not exist here",
    "plan-duplicate-key": "the same key twice in one mapping",
    "plan-duplicate-step": "two steps of one name; names that differ only in case count as one",
    "plan-missing-key": "a key that must be there",
    "plan-bad-type": "a value of another kind than is wanted",
    "plan-bad-value": "a value of the right kind that cannot be",
    "plan-bad-name": "a name with characters that names do not have",
    "plan-bad-duration": "not a duration such as `250ms`, `10s`, `5m` or `1h`",
    "plan-unknown-need": "a step needs another one that does not exist",
    "plan-need-cycle": "steps that wait for each other",
    "plan-bad-repair": "a `repair` that is no gate's, or that names a step which the gate does not rest on",
    "plan-unknown-tool": "no handler has this tool",
    "plan-plugin-broken": "the plugin that would have this tool cannot be loaded or used",
    "plan-bad-inputs": "the tool does not take these inputs",
    "plan-bad-template": "a template that cannot be rendered: its syntax, or a name that it would not find",
    "plan-quoted-template": "an expression inside quotes of a shell command, where quoting does not protect",
    "plan-bad-param": "a parameter whose value, default or choices do not fit its type",
    "plan-unknown-param": "a value for a parameter that the plan does not declare",
    "plan-missing-param": "no value for a parameter that is required",
    "plan-not-yet-supported": "a part of the plan language that this version does not have yet",
}
