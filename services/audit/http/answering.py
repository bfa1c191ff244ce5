"""From a request's command to its answer: carried out once, however often it is sent."""

import orjson
from fastapi import Response

from services.audit.http.service import Audit
from shared.kernel.event import Command
from shared.store.idempotency import IdempotencyKey
from shared.web.context import RequestContext, etag


async def carry(audit: Audit, ctx: RequestContext, command: Command, status: int = 200) -> Response:
    """Carry a command out for the caller and answer with its receipt."""
    key = ctx.idempotency_key and IdempotencyKey(
        ctx.principal.subject, ctx.route, ctx.idempotency_key, ctx.fingerprint
    )
    receipt = await audit.application.execute(
        command, ctx.principal, ctx.cause, expected_version=ctx.expected_version, key=key or None
    )
    headers = {"ETag": etag(receipt.body["version"])}
    if receipt.replayed:
        headers["Idempotency-Replayed"] = "true"
    return Response(orjson.dumps(receipt.body), status, headers, "application/json")
