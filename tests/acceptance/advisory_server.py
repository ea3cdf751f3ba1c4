"""A registry of packages on this machine that knows which of them have an advisory, as npm audit asks for them."""

import gzip
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Self


class AdvisoryServer:
    """Answers while the block lasts; `advisories` are titles by package, of which every version is affected."""

    def __init__(self, advisories: Mapping[str, str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                plain = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                asked = json.loads(plain)
                self._answer({name: [_advisory(name, advisories[name])] for name in asked if name in advisories})

            def do_GET(self) -> None:
                name = self.path.strip("/")
                version = {"name": name, "version": "1.0.0"}
                self._answer({"name": name, "versions": {"1.0.0": version}, "dist-tags": {"latest": "1.0.0"}})

            def _answer(self, data: object) -> None:
                body = json.dumps(data).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing goes to the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _advisory(name: str, title: str) -> dict[str, object]:
    return {
        "id": 1,
        "url": f"https://advisories.example/{name}-1",
        "title": title,
        "severity": "high",
        "vulnerable_versions": "*",
        "cwe": [],
        "cvss": {"score": 7},
    }
