"""What of a workspace may be sent to a model: text, and nothing that by its name holds secrets or steers nofx."""

import os
from fnmatch import fnmatchcase
from pathlib import Path

from nofx_cli import errors
from nofx_cli.domain.record import record
from nofx_cli.ports.handler import StepContext
from nofx_cli.regular_files import open_regular
from nofx_cli.safety.never_written import protects
from nofx_cli.safety.paths import contained

LARGEST = 256 * 1024
"""The size of the largest file that is sent, in bytes."""

_SECRET_NAMES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
    "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".npmrc", ".yarnrc.yml", ".pypirc", ".pgpass",
    ".my.cnf", ".git-credentials", ".htpasswd", ".dockercfg", "kubeconfig", "credentials", "*.tfstate", "*.tfstate.*",
    "*.tfvars", "*.agekey", ".vault-token",
)  # fmt: skip
_SECRET_STEMS = ("secret", "secrets", "credential", "credentials")
_DATA = ("yaml", "yml", "json", "toml", "ini", "cfg", "conf", "txt", "csv", "xml", "properties", "plist")
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".docker", ".azure", ".gcloud"})
_SAMPLES = (".example", ".sample", ".template", ".dist")


@record
class FileText:
    """A file that may be sent. Its lines end in `\\n`, whatever they end in on the disk; a BOM is not there."""

    path: str
    text: str


@record
class LeftOut:
    """What is not sent, and why."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{printable(self.name)}: {self.why}"


def read_file(ctx: StepContext, path: str) -> FileText | LeftOut:
    """The text of a file below the workspace, or why it is not for a model."""
    try:
        place = contained(ctx.workspace, path)
    except errors.InvalidInput as exc:
        return LeftOut(path, printable(exc.message))
    real = os.path.relpath(place, ctx.workspace)
    if why := withheld(path) or withheld(real):
        return LeftOut(path, why)
    if protects(ctx.workspace, ctx.store, path):
        return LeftOut(path, "it belongs to nofx or to git")
    return _read(ctx, path, place)


def withheld(path: str) -> str:
    """Why a file with this name is kept back whatever it holds; empty where it is not."""
    *folders, name = path.casefold().split("/")
    if not _SECRET_FOLDERS.isdisjoint(folders):
        return "by its folder it may hold secrets"
    if name.endswith(_SAMPLES):
        return ""
    stem, _, suffix = name.rpartition(".")
    is_secret = (stem in _SECRET_STEMS and suffix in _DATA) or any(fnmatchcase(name, each) for each in _SECRET_NAMES)
    return "by its name it may hold secrets" if is_secret else ""


def printable(path: str) -> str:
    """A name that may have any characters, written so that it cannot look like anything else."""
    return path if path.isprintable() else ascii(path)


def _read(ctx: StepContext, path: str, place: Path) -> FileText | LeftOut:
    try:
        with open_regular(place) as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return LeftOut(path, "it is not there")
    except OSError as exc:
        return LeftOut(path, f"it cannot be read: {exc.strerror}")
    if len(data) > LARGEST:
        return LeftOut(path, f"it is larger than {LARGEST // 1024} KiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return LeftOut(path, "it is no text in UTF-8")
    if "\0" in text:
        return LeftOut(path, "it is no text")
    if any(value and value in text for value in ctx.secrets.values()):
        return LeftOut(path, "it holds a secret of the step")
    return FileText(path, text.replace("\r\n", "\n"))
