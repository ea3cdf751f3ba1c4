"""The words that a sentence is read by: English, and the usual ones of German and Spanish. Only tables of patterns.

All are looked for without regard to case, in the sentence without its paths and its quoted parts, with `'` for every
apostrophe.
"""

import re
from collections.abc import Mapping


def _words(*patterns: str) -> "re.Pattern[str]":
    """Any of them, as whole words."""
    return re.compile(rf"(?<![\w-])(?:{'|'.join(patterns)})(?![\w-])", re.IGNORECASE)


GATES: Mapping[str, "re.Pattern[str]"] = {
    "format": _words("formatters?", "prettier", "ruff format", "format(?:ting)? check", "formatierung", "formateo"),
    "lint": _words("lint(?:s|er|ers|ing|ed)?", "ruff", "eslint", "flake8", "pylint"),
    "typecheck": _words(
        *("type-?\\s?check(?:s|er|ers|ing|ed)?", "mypy", "pyright", "tsc", "static types", "typprüfung(?:en)?"),
        "comprobación de tipos",
    ),
    "unit": _words(
        *("(?:unit-?\\s?)?tests?", "testing", "pytest", "jest", "vitest", "mocha", "test-?suite", "komponententests?"),
        *("pruebas(?: unitarias)?", "tests? unitarios?"),
    ),
    "coverage": _words("(?:test|code)[ -]coverage", "testabdeckung", "codeabdeckung", "cobertura de (?:tests|código)"),
    "sast": _words(
        *("bandit", "sast", "security[ -](?:check|scan|gate|lint)(?:s|er|ing)?", "sicherheitsprüfung(?:en)?"),
        "análisis de seguridad",
    ),
    "secrets": _words("secrets?[ -](?:scan|check|gate)(?:s|ner|ning)?", "detect-secrets", "leaked (?:secrets|keys)"),
    "audit": _words(
        *("pip-audit", "npm audit", "dependenc(?:y|ies)[ -]audit", "audit (?:of )?(?:the )?dependenc(?:y|ies)"),
        *("vulnerable dependencies", "auditoría de dependencias"),
    ),
    "build": _words("build[ -](?:check|gate)", "builds", "package build"),
}  # fmt: skip
"""Words that mean a gate wherever they stand."""

AMBIGUOUS_GATES: Mapping[str, "re.Pattern[str]"] = {
    "format": _words("format(?:ting)?", "formato"),
    "typecheck": _words("types", "typing", "typen", "tipos"),
    "coverage": _words("coverage", "abdeckung", "cobertura"),
    "sast": _words("security", "vulnerabilit(?:y|ies)", "sicherheit", "seguridad"),
    "secrets": _words("secrets?", "geheimnisse?", "secretos?"),
    "audit": _words("audit", "auditoría"),
    "build": _words("build", "bauen"),
}
"""Words that mean a gate only behind a word for checking, or before one for passing: `verify the types`."""

ALL_GATES = _words(
    *("(?:all|every) (?:the )?(?:quality )?(?:checks?|gates?)", "quality (?:checks?|gates?)", "full checks?"),
    *("alle (?:qualitäts)?(?:prüfungen|checks|gates)", "qualitätsprüfung(?:en)?"),
    "tod[ao]s l[ao]s (?:comprobaciones|verificaciones|controles)",
)
QUALITY_WORD = _words("(?:the )?quality", "qualität", "calidad")
NAMED_GATE = re.compile(r"(?<![\w-])gate:([A-Za-z][\w.-]*)")
OTHER_NAMES: Mapping[str, str] = {
    "types": "typecheck", "type": "typecheck", "mypy": "typecheck", "tests": "unit", "test": "unit",
    "security": "sast", "secret": "secrets", "linter": "lint", "formatting": "format",
}  # fmt: skip
"""What people type for a gate as a flag."""

CHECKING = _words(
    *("check(?:s|ing)?", "verif(?:y|ies|ying)", "validate", "ensure", "make sure", "run", "scan", "prüf(?:e|en|t)"),
    *("überprüf(?:e|en|t)", "sicherstellen", "stell(?:e)? sicher", "laufen lassen", "comprueba", "comprobar"),
    *("verifica(?:r)?", "valida(?:r)?", "ejecuta(?:r)?", "asegura(?:r|te)?"),
)
PASSING = _words("(?:must |should )?pass(?:es|ing)?", "(?:is|are) (?:clean|green)", "bestehen", "pasan?", "pasen")
FILLING = _words(
    *("please", "can you", "could you", "just", "now", "first", "in", "the", "of", "for", "all", "that", "and"),
    *("bitte", "die", "der", "das", "alle", "in", "por favor", "el", "la", "los", "las", "todos", "todas", "en"),
)
"""What may stand before the word that says what is to be done."""
CLAUSE_END = re.compile(
    r"[.;!?\n]+(?:\s|$)|\b(?:then|afterwards|danach|dann|anschließend|después|luego)\b", re.IGNORECASE
)

_ORDER = r"(?:^|[.,;:!?\n]\s*|\b(?:and|then|please|to|und|dann|bitte|y|luego|por favor)\s+)"
ANSWERING = re.compile(
    rf"{_ORDER}(?:explain|summari[sz]e|describe|review|list|answer|tell (?:me|us)|what|why|how|erkläre?"
    r"|beschreibe?|fasse?|begutachte|warum|was|wie|explica|resume|revisa|qué|por qué|cómo)(?![\w-])",
    re.IGNORECASE,
)
"""Words that ask for an answer, where an order begins."""
WRITING = _words(
    *("add(?:s|ing)?", "writ(?:e|es|ing)", "rewrite", "implement(?:s|ing)?", "fix(?:es|ing)", "creat(?:e|es|ing)"),
    *("refactor(?:s|ing)?", "renam(?:e|es|ing)", "remov(?:e|es|ing)", "delet(?:e|es|ing)", "replac(?:e|es|ing)"),
    *(
        "translate",
        "convert",
        "migrate",
        "generate",
        "simplify",
        "insert",
        "modify",
        "repair",
        "improve",
        "mend",
        "resolve",
    ),
    *("ergänze?n?", "hinzufügen", "füge?", "schreibe?n?", "behebe?n?", "beheb", "repariere?n?", "ändere?n?"),
    *("erstelle?n?", "ersetze?n?", "lösche?n?", "entferne?n?", "übersetze?n?", "dokumentiere?n?", "benenne?n?"),
    *("umbenennen", "implementiere?n?", "verbessere?n?", "aktualisiere?n?", "erzeuge?n?"),
    *("escrib[ei]r?", "añad[ei]r?", "agregar?", "arreglar?", "corrig[ei]r?", "corregir", "crear?", "cambiar?"),
    *("elimina(?:r)?", "borra(?:r)?", "reemplaza(?:r)?", "actualiza(?:r)?", "traduc(?:e|ir)", "documenta(?:r)?"),
    *("implementa(?:r)?", "mejora(?:r)?", "refactoriza(?:r)?", "genera(?:r)?"),
)
"""Words that ask for writing wherever they stand."""
WRITING_FIRST = re.compile(
    rf"{_ORDER}(?:change|update|move|set|fix|make(?! sure)|bump|upgrade|extract|split|port|merge|build an?|put|use|let"
    r"|handle|support|allow|enable|disable|raise|return|optimi[sz]e|clean up|speed up|introduce|drop|document)"
    r"(?![\w-])",
    re.IGNORECASE,
)
"""Words that are nouns elsewhere: only where an order begins."""

_OK = "(?:approvals?|ok(?:ay)?|sign-?off|go-ahead)"
_WHOSE = r"(?:(?:my|our|his|her|their|an?|the|some(?:body|one)'s|(?P<whose>[^\W\d][\w.-]*)'s) )?"
_FREIGABE = "(?:freigabe|genehmigung|zustimmung|bestätigung)"
_WHO = r"[^\W\d][\w.-]*"
NO_APPROVAL = _words(
    rf"(?:without|no) (?:any |my )?{_OK}", "without asking(?: me| anyone)?", "(?:don't|do not|never) ask(?: me)?",
    rf"ohne (?:meine |jede )?{_FREIGABE}", "ohne (?:zu fragen|nachfrage|rückfrage)", "sin (?:mi )?aprobación",
    "sin preguntar(?:me)?",
)  # fmt: skip
_CHANGING = (
    r"(?:you |anything is |anyone |du |es |que )?(?:chang|writ|edit|touch|modif|start|do\b|änder|schreib|anfäng)\w*"
)
APPROVAL_BEFORE = _words(
    rf"ask (?:me|us|(?P<asked>{_WHO})) (?:first|before {_CHANGING})",
    rf"(?:after|with) {_WHOSE}{_OK} before {_CHANGING}",
    rf"frage? (?:mich|uns|(?P<gefragt>{_WHO})) (?:zuerst|vorher|bevor {_CHANGING})", "pregúntame (?:antes|primero)",
)  # fmt: skip
APPROVAL = _words(
    rf"(?:after|with|upon|needs?|requires?|requiring|waits? for|waiting for|pending|subject to) {_WHOSE}{_OK}",
    rf"(?:after|when|once) (?P<once>{_WHO}) (?:has )?(?:approved|approves|agreed|agrees|signed off)",
    rf"let (?P<lets>{_WHO}) (?:approve|confirm|agree|decide|sign off)(?: (?:it|this|that))?",
    rf"(?:to be )?approved by (?P<by>{_WHO})", "ask (?:me|us)", "(?:i|we) (?:must|have to|want to|will) approve",
    rf"ask (?P<asks>{_WHO}) (?:for (?:approval|an ok)|to approve)",
    rf"(?:nach|mit) (?:meiner |einer |der |unserer )?{_FREIGABE}(?: (?:durch|von) (?P<durch>{_WHO}))?",
    rf"nach (?P<nach>{_WHO})s {_FREIGABE}",
    "frage? (?:mich|uns)", rf"lasse? (?P<lass>{_WHO}) (?:freigeben|genehmigen|zustimmen|entscheiden)",
    rf"(?:tras|después de|con) (?:mi |la |su )?aprobación(?: de (?P<de>{_WHO}))?", "pregúntame",
    rf"(?:deja )?que (?P<que>{_WHO}) (?:lo )?(?:apruebe|confirme|decida)",
)  # fmt: skip
NOBODY = frozenset(
    {
        *("me", "us", "somebody", "someone", "anybody", "anyone", "everybody", "everyone", "it", "this", "that", "all"),
        *("they", "i", "we", "you", "a", "an", "my", "the", "human", "person"),
        *("mich", "uns", "mir", "jemand", "jemanden", "ihn", "es", "alguien", "alguno", "yo"),
    }
)
"""Words in the place of a name that name nobody."""

_REQUEST = "(?:pr|prs|pull[ -]?requests?|merge[ -]?requests?|mr)"
PULL_REQUEST = _words(
    rf"(?:open|opens|opening|create|creates|make|submit|raise|send|file|prepare) (?:an? |the )?(?:draft )?{_REQUEST}",
    rf"as an? (?:draft )?{_REQUEST}", rf"(?:öffne|erstelle|stelle|mache?)n? (?:einen |den |ein )?{_REQUEST}",
    rf"(?:einen |den )?{_REQUEST} (?:öffnen|erstellen|stellen|aufmachen)",
    rf"(?:abre|crea|abrir|crear) (?:una? |el )?{_REQUEST}",
)  # fmt: skip
NO_PULL_REQUEST = _words(
    rf"(?:no|without|don't|do not|never) (?:(?:open|opening|create|creating|make) )?(?:an? |the |any )?{_REQUEST}",
    rf"(?:kein|keinen|ohne) (?:einen )?{_REQUEST}(?: öffnen| erstellen)?", rf"sin (?:abrir )?(?:una? )?{_REQUEST}",
)  # fmt: skip

OMITTING = re.compile(
    r"(?<![\w-])(?:without|skip(?:ping)?|omit(?:ting)?|except(?: for)?|(?:don't|do not) (?:run|check|need)|ohne|sin)"
    r"\s+(?:running\s+|any\s+|the\s+|die\s+|las?\s+|los\s+)?"
    r"(?P<what>[\w-]+(?:(?:\s+check(?:s|ing)?)|(?:\s*,\s*|\s+(?:and|or|und|oder|y|o)\s+)(?:the\s+)?[\w-]+)*)",
    re.IGNORECASE,
)
OMITTING_NO = re.compile(
    r"(?<![\w-])(?:no|keine?)\s+(?P<what>[\w-]+)(?=\s*(?:$|[.,;!?\n)]|and\b|or\b|und\b|but\b))", re.IGNORECASE
)
"""`no` before a gate means it only where nothing follows: `no lint errors` asks for the linter."""

KNOWN_AGENTS = ("claude", "codex", "aider", "gemini")
BEFORE_AGENT = (
    r"(?<![\w-])(?:with|using|via|through|by|use|let|have|mit|nutze|verwende|per|lass|durch|con|usando|usa|deja que)\s+"
    r"(?:the\s+|den\s+|el\s+)?(?:(?:coding\s+)?agente?n?\s+)?"
)
BUDGET = re.compile(
    r"(?<![\w-])(?:at most|max(?:imum|imal)?(?: of)?|up to|(?:no|not) more than|budget(?: of| von| de)?|under|within"
    r"|less than|limit(?: of)?|höchstens|maximal|como máximo|máximo|hasta)\s*:?\s*"
    r"(?:\$\s?(?P<before>\d{1,6}(?:\.\d{1,4})?)(?![\d.,]\d)"
    r"|(?P<behind>\d{1,6}(?:[.,]\d{1,4})?)\s?(?:\$|usd|us-dollars?|dollars?|dólares)(?![\w-]))",
    re.IGNORECASE,
)
