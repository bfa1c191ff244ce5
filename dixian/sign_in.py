"""The demo issuer's sign-in page: choose who to be."""

import secrets
from collections.abc import Mapping
from html import escape

from dixian.people import PEOPLE, Person

_CARRIED = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)
_STYLE = """
body { font-family: system-ui, "PingFang SC", "Microsoft YaHei", sans-serif; margin: 0;
  background: #f4f5f2; color: #1c2420; }
main { max-width: 34rem; margin: 3rem auto; padding: 2rem; background: #fff; border-radius: .6rem;
  box-shadow: 0 1px 4px #0002; }
h1 { font-size: 1.3rem; margin: 0 0 .3rem; }
p { color: #55605a; margin: 0 0 1.2rem; }
button { display: block; width: 100%; font: inherit; color: inherit;
  padding: .65rem .8rem; margin: .25rem 0; border: 1px solid #d5dbd7; border-radius: .4rem;
  background: #fff; cursor: pointer; text-align: left; }
button:hover, button:focus-visible { border-color: #1f6f4a; background: #eef6f1; }
small { display: block; color: #55605a; }
"""


def sign_in_page(asked: Mapping[str, str]) -> tuple[str, str]:
    """The page for an authorization request, and the nonce that its style needs in the CSP."""
    nonce = secrets.token_urlsafe(16)
    carried = "".join(
        f'<input type="hidden" name="{name}" value="{escape(asked[name])}">'
        for name in _CARRIED
        if name in asked
    )
    people = "".join(_button(person) for person in PEOPLE)
    return (
        f"""<!doctype html>
<html lang="zh-CN">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>底线 · 演示登录</title><style nonce="{nonce}">{_STYLE}</style></head>
<body><main>
<h1>底线 · 演示登录</h1>
<p>演示环境,人员均为虚构。请选择以何种身份登录:</p>
<form method="post" action="authorize">{carried}{people}</form>
</main></body></html>
""",
        nonce,
    )


def _button(person: Person) -> str:
    return (
        f'<button name="username" value="{escape(person.username)}">'
        f"<span>{escape(person.post)}</span><small>{escape(person.username)}</small></button>"
    )
