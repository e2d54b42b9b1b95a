"""The replacement for curl behaves like curl, as far as the documents use it."""

import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.docs.console import STAND_IN
from tests.docs.curl import ALONE, WITH_VALUE

CURL = shutil.which("curl") or ""


class Echo(BaseHTTPRequestHandler):
    """A server that answers with the request that it received and a constant date."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        names = {"Authorization", "Content-Type", "Content-Length", "If-Match"}
        sent = {name: value for name, value in sorted(self.headers.items()) if name in names}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        content = json.dumps([self.command, self.path, sent, body]).encode()
        self.send_response(204 if self.command == "DELETE" else 201)
        self.send_header("Content-Type", "application/problem+json")
        if self.command != "DELETE":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "DELETE":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "now"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.mark.skipif(not CURL, reason="there is no curl to compare with")
@pytest.mark.parametrize(
    "options",
    [
        ["-s"],
        ["-s", "-i", "-H", "Authorization: Bearer x"],
        ["-s", "-H", "Content-Type: application/json", "-d", '{"a": "ö\n"}'],
        ["-s", "-X", "PUT", "-H", "Content-Type: application/json", "-d", "{}", "-H", 'If-Match: "1"'],
        ["-s", "-X", "DELETE", "-w", "%{http_code}\\n"],
        ["-s", "-o", "out", "-w", "%{http_code} %{content_type}\\n"],
    ],
    ids=" ".join,
)
def test_the_stand_in_prints_and_writes_what_curl_does(tmp_path, options):
    assert {option for option in options if re.fullmatch("-[a-zA-Z]", option)} <= {*WITH_VALUE, *ALONE}
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1/events?from=2031-03-10T10:00&q=a"
        said: list[object] = []
        for program in ([CURL], STAND_IN):
            (tmp_path / "out").unlink(missing_ok=True)
            done = subprocess.run([*program, *options, url], cwd=tmp_path, capture_output=True, check=True, timeout=60)
            written = [file.read_bytes() for file in tmp_path.glob("out")]
            said.append((done.stdout, done.stderr, written))
        server.shutdown()
    assert said[0] == said[1]
