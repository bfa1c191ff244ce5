"""A receiver of Dixian's webhooks, to run or to take over: Python 3.9+, nothing to install.

    WEBHOOK_SECRET=whsec_… python3 receiver.py --port 9000 --inbox inbox.jsonl

It checks the signature (Standard Webhooks, v1), refuses messages older or newer than five minutes,
takes each message once however often it comes, and writes it down before it says so. While a
secret is being rotated, give both, with a space between them.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

TOLERANCE = 300
"""Seconds by which a message's time may differ from ours: an old one may be a stranger's copy."""
LARGEST = 64 * 1024
"""Bytes a message may have."""


class Refused(Exception):
    """The message is not one that was signed for us just now."""


def verify(headers, body, secrets, now=None):
    """Return the message's id. Raises ``Refused``.

    ``headers`` has a ``get``; ``body`` are the bytes as they came, not parsed and written again.
    """
    message_id = headers.get("webhook-id")
    timestamp = headers.get("webhook-timestamp")
    signatures = headers.get("webhook-signature")
    if not (message_id and timestamp and signatures):
        raise Refused("a header is missing")
    if not timestamp.isdigit() or abs((now or time.time()) - int(timestamp)) > TOLERANCE:
        raise Refused("its time is not ours")
    signed = f"{message_id}.{timestamp}.".encode() + body
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        for given in signatures.split():
            version, _, signature = given.partition(",")
            if version == "v1" and hmac.compare_digest(expected, signature.encode()):
                return message_id
    raise Refused("no signature is right")


class Inbox:
    """Keeps each message once, one JSON line each, and knows after a restart what it has."""

    def __init__(self, path):
        self._path, self._lock, self._seen = path, Lock(), set()
        if os.path.exists(path):
            with open(path, "r+b") as lines:
                known = lines.read()
                whole = known[: known.rfind(b"\n") + 1]
                # What was cut off while it was written was not acknowledged and comes again.
                lines.truncate(len(whole))
            self._seen = {json.loads(line)["id"] for line in whole.splitlines()}

    def take(self, message_id, message):
        """Write the message down; ``False`` when it is there already."""
        with self._lock:
            if message_id in self._seen:
                return False
            with open(self._path, "a", encoding="utf-8") as lines:
                lines.write(json.dumps({"id": message_id, **message}, ensure_ascii=False) + "\n")
                lines.flush()
                os.fsync(lines.fileno())
            self._seen.add(message_id)
            return True


def handler(secrets, inbox):
    """The request handler for these secrets and this inbox."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self):
            length = self.headers.get("content-length", "")
            if not length.isdigit() or int(length) > LARGEST:
                return self.answer(413, "too large, or of no length")
            body = self.rfile.read(int(length))
            try:
                message_id = verify(self.headers, body, secrets)
            except Refused as refused:
                return self.answer(401, str(refused))
            message = json.loads(body)
            new = inbox.take(message_id, message)
            told = message["data"]
            print(
                f"{message['type']} {told['order_no']} {told['status']}"
                + ("" if new else " (again)"),
                flush=True,
            )
            return self.answer(204)

        def answer(self, status, text=""):
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            """The line above says it all."""

    return Receiver


def main():
    options = argparse.ArgumentParser(description="Receive Dixian's webhooks.")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=9000)
    options.add_argument("--inbox", default="inbox.jsonl")
    given = options.parse_args()
    secrets = os.environ.get("WEBHOOK_SECRET", "").split()
    if not secrets:
        sys.exit("WEBHOOK_SECRET is not set: it is in the answer to POST /webhooks")
    receiver = handler(secrets, Inbox(given.inbox))
    server = ThreadingHTTPServer((given.host, given.port), receiver)
    print(f"listening on http://{given.host}:{server.server_address[1]}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
