"""Answers that show a secret, once: it is kept nowhere that an answer could be made of again."""

import orjson
from fastapi import Response

from shared.store.application import Receipt
from shared.web.context import etag


def answer_once(receipt: Receipt, name: str, secret: str) -> Response:
    """201, the receipt and the secret as ``name``; ``null`` when the request is a repetition."""
    shown = {**receipt.body, name: None if receipt.replayed else secret}
    headers = {"ETag": etag(receipt.body["version"])}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(orjson.dumps(shown), 201, headers, "application/json")
