"""Secrets of nobody, which detect-secrets must find: where it finds none of them, its settings hide every secret.

A baseline may have filters for lines, secrets and files, and so may `args`; what they leave to be found nobody sees in
a clean report. The samples are scanned by the same detectors and filters as the project's files. They are put together
only when they are written: nothing that looks like a secret stands here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NAME = "nofx-samples.txt"
_MIXED = "q7Zr2Wv9Lk4Xp8Tn6Hd3Bs5Gy1Mf0Jc"
_SAMPLES: Mapping[str, str] = {
    "AWSKeyDetector": "AKIA" + _MIXED.upper()[:16],
    "PrivateKeyDetector": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "GitHubTokenDetector": "ghp_" + _MIXED + _MIXED[:5],
    "SlackDetector": "xoxb-" + "4827-" + _MIXED.lower()[:24],
    "StripeDetector": "sk_live_" + _MIXED[:24],
    "BasicAuthDetector": "https://ada:" + _MIXED[:12] + "@example.org",
    "KeywordDetector": "pass" + 'word = "' + _MIXED[:16] + '"',
    "Base64HighEntropyString": f'value = "{_MIXED}{_MIXED[::-1]}"',
    "HexHighEntropyString": 'value = "' + "9f3c" + "1e7b" + "52a8" + "d046" + "8b1d" + "f7c3" + "20e9" + "65a4" + '"',
}


def write_samples(folder: Path) -> Path:
    """Write one line for each detector that there is a sample for."""
    file = folder / _NAME
    file.write_text("".join(f"{sample}\n" for sample in _SAMPLES.values()), "utf-8")
    return file


def hides_all(report: Mapping[str, Any], samples: Path) -> bool:
    """Whether none of the samples was found, though detectors are on that there are samples for."""
    results, used = report.get("results"), report.get("plugins_used")
    found = isinstance(results, dict) and any(results.get(name) for name in (str(samples), samples.name))
    names = [one.get("name") for one in used if isinstance(one, dict)] if isinstance(used, list) else []
    return not found and any(name in _SAMPLES for name in names)
