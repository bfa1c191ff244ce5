"""``dixian sign``: a person's own key, and a gate's decision signed with it, away from the server.

What is signed is looked at first: the statement must be about the very content that came with it,
and both are shown. The private key never leaves its file.
"""

import json
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from dixian.errors import CannotStart
from services.audit.domain import statement
from services.audit.domain.note import NoteError
from services.audit.log.keys import FileKey


def new_key(path: Path, owner: str) -> str:
    """Make a key in ``path`` (mode 0600); the enrolment's body as JSON.

    Raises ``CannotStart`` when there is a file already.
    """
    if path.exists():
        raise CannotStart(f"{path} is there already; a key is never overwritten")
    return json.dumps(enrolment(_key_in(path, create=True), owner))


def enrolment(key: FileKey, owner: str) -> dict[str, str]:
    """What ``POST /signing-keys`` takes of a key."""
    public = key.public().hex()
    return {
        "public_key": public,
        "proof": key.sign(statement.enrolment(owner, public)).hex(),
    }


def sign_statement(path: Path, answer: Path, console: Console) -> str:
    """The signature over the statement in ``answer``, as JSON; both are shown on ``console``.

    Raises ``CannotStart`` for a file that cannot be read or a statement about something else.
    """
    try:
        text = sys.stdin.read() if str(answer) == "-" else answer.read_text(encoding="utf-8")
        given = json.loads(text)
        said = checked(given)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CannotStart(f"{answer}: not a statement to sign: {error}") from error
    key = _key_in(path, create=False)
    console.print(f"content   {escape(given['content'])}", soft_wrap=True)
    console.print(f"statement {escape(said.decode())}", soft_wrap=True)
    signed = {"content_sha256": given["content_sha256"], "signature": key.sign(said).hex()}
    return json.dumps(signed)


def checked(given: dict[str, Any]) -> bytes:
    """The statement's bytes, if it is a gate decision over the content beside it.

    Raises ``ValueError`` when it is not.
    """
    said: str = given["statement"]
    form, _, body = said.partition("\n")
    if form != statement.DECISION:
        raise ValueError(f"not a {statement.DECISION}")
    hashed = sha256(given["content"].encode()).hexdigest()
    if json.loads(body)["content_sha256"] != hashed or given["content_sha256"] != hashed:
        raise ValueError("the statement is about another content than the one shown")
    return said.encode()


def _key_in(path: Path, *, create: bool) -> FileKey:
    try:
        return FileKey.at(path, create=create)
    except (OSError, NoteError, ValueError) as error:
        raise CannotStart(f"{path}: {error}") from error
