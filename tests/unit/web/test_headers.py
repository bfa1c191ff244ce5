"""What the headers of a request say, and what is refused in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.context import (
    expected_version_of,
    fingerprint,
    idempotency_key_of,
    request_uuid,
)
from shared.web.middleware import request_id
from shared.web.problem import Malformed, language_of


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en;q=0.3, zh;q=0.7", "zh"),
        ("fr, en;q=0.1", "en"),
        ("fr", "zh"),
        ("*", "zh"),
        ("en;q=0", "zh"),
        ("en;q=nonsense", "zh"),
        ("en;q=2", "zh"),
        ("EN", "en"),
    ],
)
def test_language(header: str | None, language: str) -> None:
    headers = [] if header is None else [(b"accept-language", header.encode())]
    assert language_of({"type": "http", "headers": headers}) == language


@given(st.binary(max_size=200))
def test_any_accept_language_gives_a_language(header: bytes) -> None:
    scope = {"type": "http", "headers": [(b"accept-language", header)]}
    assert language_of(scope) in {"zh", "en"}


def test_keys_are_taken_bare_or_quoted() -> None:
    assert idempotency_key_of(None) is None
    assert idempotency_key_of("order-1") == idempotency_key_of('"order-1"') == "order-1"
    assert idempotency_key_of("k" * 255) == "k" * 255


@pytest.mark.parametrize("header", ["", '""', "k" * 256, "with space", "单号", "\x7f", "a\x00"])
def test_a_bad_key_is_refused(header: str) -> None:
    with pytest.raises(Malformed) as refused:
        idempotency_key_of(header)
    assert (refused.value.code, refused.value.field) == (
        "idempotency-key-malformed",
        "Idempotency-Key",
    )


def test_versions() -> None:
    assert expected_version_of(None) is None
    assert expected_version_of('"7"') == 7
    assert expected_version_of(' "0" ') == 0


@pytest.mark.parametrize("header", ["7", "*", 'W/"7"', '"7", "8"', '"x"', '"-1"', '""', '"٣"'])
def test_a_bad_version_is_refused(header: str) -> None:
    with pytest.raises(Malformed):
        expected_version_of(header)


def test_a_fingerprint_tells_requests_apart() -> None:
    same = fingerprint("POST", "/cases/1", b"a=1&b=2", b"{}")
    assert same == fingerprint("POST", "/cases/1", b"b=2&a=1", b"{}")
    others = [
        fingerprint("PUT", "/cases/1", b"a=1&b=2", b"{}"),
        fingerprint("POST", "/cases/2", b"a=1&b=2", b"{}"),
        fingerprint("POST", "/cases/1", b"a=1&b=3", b"{}"),
        fingerprint("POST", "/cases/1", b"a=1&b=2", b"{ }"),
        fingerprint("POST", "/cases/1a=1", b"b=2", b"{}"),
    ]
    assert len({same, *others}) == 6
    assert len(same) == 32


def test_a_sane_request_id_is_kept() -> None:
    uuid = "0199c2f0-5a7e-7000-8000-000000000001"
    assert request_id(uuid.upper()) == uuid
    assert request_id("console-4f2a.b") == "console-4f2a.b"
    assert str(request_uuid(uuid)) == uuid
    assert request_uuid("console-4f2a.b") == request_uuid("console-4f2a.b")


@pytest.mark.parametrize(
    "header", [None, "", "short", "370114199001011234", "tel-13812345678", "有空 格", "x" * 65]
)
def test_any_other_is_replaced(header: str | None) -> None:
    assert request_id(header) != header
