"""A replacement for curl, written in Python, with the few options that the documents use."""

import http.client
import sys
from urllib.parse import urlsplit

WITH_VALUE = ("-H", "-d", "-X", "-o", "-w")
ALONE = ("-s", "-i")


def main(words: list[str]) -> int:
    """Send one request and print the answer as curl does."""
    options: dict[str, list[str]] = {}
    url = ""
    rest = iter(words)
    for word in rest:
        if word in WITH_VALUE:
            options.setdefault(word, []).append(next(rest))
        elif word in ALONE:
            options[word] = []
        elif word.startswith("-"):
            print(f"curl: the stand-in does not know {word}", file=sys.stderr)  # noqa: T201
            return 2
        else:
            url = word
    body = options.get("-d", [None])[0]
    method = options.get("-X", ["GET" if body is None else "POST"])[0]
    headers = dict(header.split(": ", 1) for header in options.get("-H", []))
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    connection.request(method, path, None if body is None else body.encode(), headers)
    answer = connection.getresponse()
    content = answer.read()
    out = sys.stdout.buffer
    if "-i" in options:
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
        lines += [f"{name}: {value}" for name, value in answer.getheaders()]
        out.write("\r\n".join([*lines, "", ""]).encode())
    if "-o" in options:
        with open(options["-o"][0], "wb") as file:  # noqa: PTH123 (without a slow import)
            file.write(content)
    else:
        out.write(content)
    for form in options.get("-w", []):
        text = form.replace("%{http_code}", str(answer.status)).replace("\\n", "\n")
        out.write(text.replace("%{content_type}", answer.headers.get("Content-Type", "")).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
