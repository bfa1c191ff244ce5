"""Looking at a file in full: for a purpose, recorded, and shown where one is."""

from starlette.responses import Response

from services.console.look import POLICY
from services.console.visit import Visit

_SHOWN = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}
"""What a browser shows by itself, by kind; anything else is for saving."""


async def opened(visit: Visit, service: str, path: str, sha256: str) -> Response:
    """The file that a service reveals for the purpose that the form names."""
    body = {"purpose": str(visit.form.get("purpose", ""))}
    answer = await visit.api.act(service, path, body)
    kind = answer.headers["content-type"].partition(";")[0]
    how = "inline" if kind in _SHOWN else "attachment"
    name = f"evidence-{sha256[:12]}.{_SHOWN.get(kind, 'bin')}"
    headers = {
        "Content-Disposition": f'{how}; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": f"{POLICY}; sandbox",
    }
    return Response(answer.content, media_type=kind, headers=headers)
