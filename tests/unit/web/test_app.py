"""The door, asked in process: every refusal and fault, the whole answer each time."""

import asyncio
import errno
import json
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import date
from typing import Annotated, Any, ClassVar

import asyncpg
import httpx
import pytest
import structlog
from fastapi import Body, FastAPI
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError

from shared.kernel.division import Level
from shared.kernel.principal import Principal, Role, may
from shared.kernel.refusal import Forbidden, NotFound, OutOfOrder, Refusal, Stale, Unavailable
from shared.store.database import NoConnection
from shared.telemetry.metrics import Metrics
from shared.testing.access import TakenAtTheirWord, acting
from shared.web.app import create_app, fault_of
from shared.web.auth import Caller
from shared.web.context import Ctx
from shared.web.health import Check
from shared.web.problem import TooManyRequests
from shared.web.routing import Access, Router, UndeclaredRoute, access_table, public, require
from shared.web.settings import Mode, WebSettings

COUNTY = may(Role.OFFICER, at=Level.COUNTY)
OFFICER = acting(Role.OFFICER, "370114")
ASKED = {"X-Request-ID": "0199c2f0-5a7e-7000-8000-000000000001"}
INSTANCE = {
    "instance": "/requests/0199c2f0-5a7e-7000-8000-000000000001",
    "request_id": "0199c2f0-5a7e-7000-8000-000000000001",
}


class Approval(BaseModel):
    model_config = ConfigDict(extra="forbid")

    occurred_on: date
    reason: Annotated[str, Field(max_length=10)] = ""


class Gone(Refusal):
    status: ClassVar[int] = 410


PUBLICITY = OutOfOrder(
    "R56",
    code="publicity-not-complete",
    zh="公示未满5天",
    en="the publicity is not complete",
    field="occurred_on",
)
RAISED: Mapping[str, Exception] = {
    "rule": PUBLICITY,
    "objection": OutOfOrder("R66", code="open-objection", zh="有未处理的异议", en="an objection"),
    "missing": NotFound("农户", "household"),
    "forbidden": Forbidden("无权", "no"),
    "stale": Stale(3, 5),
    "gone": Gone(code="gone", zh="已销毁", en="destroyed"),
    "busy": TooManyRequests(30),
    "away": Unavailable("bus-unavailable", "消息总线不可用", "the bus is away"),
    "bug": RuntimeError("张三 370114199001011234"),
    "database": ConnectionRefusedError(111, "refused"),
}


def router() -> Router:
    made = Router()

    @made.post("/cases/{case_id}/approval", dependencies=[require(COUNTY)])
    async def approve(case_id: str, body: Approval, ctx: Ctx) -> dict[str, Any]:
        return {
            "case": case_id,
            "on": body.occurred_on,
            "actor": ctx.principal.subject,
            "route": ctx.route,
            "key": ctx.idempotency_key,
            "version": ctx.expected_version,
            "correlation": ctx.cause.correlation_id,
            "trace": ctx.cause.traceparent[3:35],
        }

    @made.get("/cases/{case_id}", dependencies=[require(COUNTY)])
    async def read(case_id: str, caller: Caller, limit: int = 5) -> dict[str, Any]:
        return {"case": case_id, "by": caller.subject, "limit": limit}

    @made.get("/raised/{what}", dependencies=[public()])
    async def raised(what: str) -> None:
        raise RAISED[what]

    @made.post("/any", dependencies=[public()])
    async def anything(body: Annotated[Any, Body()]) -> Any:
        return {"got": body}

    return made


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def make(metrics: Metrics, **options: Any) -> FastAPI:
    return create_app(
        service="identification",
        title="Identification",
        settings=options.pop("settings", WebSettings(mode=Mode.DEMO, body_limit=1000)),
        routers=[router()],
        authenticator=TakenAtTheirWord(),
        metrics=metrics,
        **options,
    )


@pytest.fixture
def app(metrics: Metrics) -> FastAPI:
    return make(metrics)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(app) as made:
        yield made


def client_of(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url="http://door", headers=ASKED)


async def test_a_good_request_brings_its_whole_context(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/cases/7/approval",
        json={"occurred_on": "2023-08-12"},
        headers={
            **OFFICER,
            "Idempotency-Key": "k-1",
            "If-Match": '"4"',
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "case": "7",
            "on": "2023-08-12",
            "actor": "person:somebody",
            "route": "POST /cases/{case_id}/approval",
            "key": "k-1",
            "version": 4,
            "correlation": "0199c2f0-5a7e-7000-8000-000000000001",
            "trace": "0af7651916cd43dd8448eb211c80319c",
        },
    )


async def test_a_rule_refuses_in_chinese(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raised/rule")
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "type": "/problems/publicity-not-complete",
            "title": "当前不能办理",
            "status": 409,
            "detail": "R56 · 指南第34问: 公示未满5天",
            "code": "publicity-not-complete",
            "field": "occurred_on",
            "rule": "R56",
            "question": 34,
            **INSTANCE,
        },
    )
    assert dict(answer.headers) == {
        "content-type": "application/problem+json",
        "content-length": str(len(answer.content)),
        "content-language": "zh-CN",
        "vary": "Accept-Language",
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-request-id": "0199c2f0-5a7e-7000-8000-000000000001",
    }


async def test_and_in_english(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raised/rule", headers={"Accept-Language": "en"})
    assert answer.headers["content-language"] == "en"
    assert answer.json() == {
        "type": "/problems/publicity-not-complete",
        "title": "Not possible now",
        "status": 409,
        "detail": "R56 · Guide question 34: the publicity is not complete",
        "code": "publicity-not-complete",
        "field": "occurred_on",
        "rule": "R56",
        "question": 34,
        **INSTANCE,
    }


@pytest.mark.parametrize(
    ("what", "status", "code", "detail", "headers"),
    [
        ("objection", 409, "open-objection", "R66: 有未处理的异议", {}),
        ("missing", 404, "not-found", "农户不存在", {}),
        ("forbidden", 403, "forbidden", "R1 · 指南第1问: 无权", {}),
        ("stale", 412, "stale-version", "您看到的是第3版,现已是第5版,请刷新后再办理", {}),
        ("gone", 410, "gone", "已销毁", {}),
        ("busy", 429, "too-many-requests", "请求过于频繁,请30秒后再试", {"retry-after": "30"}),
        ("away", 503, "bus-unavailable", "消息总线不可用", {"retry-after": "5"}),
        (
            "database",
            503,
            "database-unavailable",
            "数据库暂时不可用,请稍后再试",
            {"retry-after": "5"},
        ),
        (
            "bug",
            500,
            "fault",
            "系统内部故障,本次请求未办理;请向运维人员提供请求编号",
            {},
        ),
    ],
)
async def test_every_refusal_and_fault_has_its_answer(
    client: httpx.AsyncClient,
    what: str,
    status: int,
    code: str,
    detail: str,
    headers: dict[str, str],
) -> None:
    with structlog.testing.capture_logs():
        answer = await client.get(f"/raised/{what}")
    told = answer.json()
    assert (answer.status_code, told["code"], told["detail"]) == (status, code, detail)
    assert told["type"] == f"/problems/{code}"
    assert told["request_id"] == INSTANCE["request_id"]
    assert headers.items() <= dict(answer.headers).items()
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "cause",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        ConnectionResetError(),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EHOSTUNREACH, "No route to host"),
        OSError("Multiple exceptions: [Errno 111] ..., [Errno 111] ..."),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        NoConnection("no connection came free in 30 s"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
    ],
    ids=lambda cause: f"{type(cause).__name__}-{cause}",
)
def test_a_database_that_is_away_is_503_however_that_is_wrapped(cause: Exception) -> None:
    wrapped = DBAPIError("select 1", {}, cause)
    wrapped.__cause__ = cause
    assert [fault_of(cause).status, fault_of(wrapped).status] == [503, 503]


def test_a_wrong_statement_or_path_is_a_fault() -> None:
    wrong = asyncpg.UndefinedTableError("relation does not exist")
    assert fault_of(DBAPIError("select 1", {}, wrong)).status == 500
    assert fault_of(FileNotFoundError(errno.ENOENT, "No such file")).status == 500


async def test_a_fault_is_logged_once_with_its_request_and_without_its_message(
    client: httpx.AsyncClient, metrics: Metrics
) -> None:
    with structlog.testing.capture_logs() as records:
        await client.get("/raised/bug")
    assert [(record["event"], record["log_level"]) for record in records] == [
        ("fault", "error"),
        ("request", "info"),
    ]
    assert metrics.faults.labels("RuntimeError")._value.get() == 1


async def test_a_caller_who_leaves_in_the_middle_of_a_body_is_no_fault(metrics: Metrics) -> None:
    arriving = iter(
        [
            {"type": "http.request", "body": b'{"got": ', "more_body": True},
            {"type": "http.disconnect"},
        ]
    )
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "POST",
        "path": "/any",
        "raw_path": b"/any",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return next(arriving)

    async def send(message: Any) -> None:
        sent.append(message)

    with structlog.testing.capture_logs() as lines:
        await make(metrics)(scope, receive, send)
    assert sent == []  # nobody is there to hear it
    assert [(line["event"], line["status"]) for line in lines] == [("request", 499)]


async def test_the_log_names_the_template_and_the_caller(client: httpx.AsyncClient) -> None:
    with structlog.testing.capture_logs() as records:
        await client.get("/cases/370114199001011234?limit=7", headers=OFFICER)
    [record] = records
    assert record == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/cases/{case_id}",
        "status": 200,
        "ms": record["ms"],
        "bytes": record["bytes"],
        "client": "127.0.0.1",
        "actor": "person:somebody",
        "division": "370114",
    }


GOOD = {"occurred_on": "2023-08-12"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("content", "headers", "status", "code", "field"),
    [
        (b"{", JSON, 400, "malformed-json", None),
        (b'{"occurred_on": NaN}', JSON, 400, "malformed-json", None),
        (b'{"a": ' + b"9" * 900 + b"}" + b" " * 9, JSON, 422, "missing-field", "occurred_on"),
        (b"\xff\xfe", JSON, 400, "invalid-utf8", None),
        (b'{"reason": "\xe5\xbc"}', JSON, 400, "invalid-utf8", None),
        (b'{"reason": "a", "reason": "b"}', JSON, 400, "duplicate-key", None),
        (b'{"reason": "\\u0000"}', JSON, 400, "unstorable-text", None),
        (b'{"reason": ["\\ud800"]}', JSON, 400, "unstorable-text", None),
        (b'{"\\udfff": 1}', JSON, 400, "unstorable-text", None),
        (b"", JSON, 422, "missing-body", "body"),
        (b"null", JSON, 422, "wrong-type", "body"),
        (b"[]", JSON, 422, "wrong-type", "body"),
        (b"{}", JSON, 422, "missing-field", "occurred_on"),
        (b'{"occurred_on": "x"}', JSON, 422, "wrong-type", "occurred_on"),
        (b'{"occurred_on": "2023-08-12", "x": 1}', JSON, 422, "unknown-field", "x"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported-media-type", "Content-Type"),
        (b"{}", {}, 415, "unsupported-media-type", "Content-Type"),
        (
            b"{}",
            {"Content-Type": "application/json; charset=gbk"},
            415,
            "unsupported-media-type",
            "Content-Type",
        ),
        (b" " * 1001, JSON, 413, "body-too-large", None),
        (
            json.dumps(GOOD).encode(),
            {**JSON, "If-Match": "7"},
            400,
            "if-match-malformed",
            "If-Match",
        ),
        (
            json.dumps(GOOD).encode(),
            {**JSON, "Idempotency-Key": "a b"},
            400,
            "idempotency-key-malformed",
            "Idempotency-Key",
        ),
    ],
)
async def test_a_bad_body_or_header_is_refused(
    client: httpx.AsyncClient,
    content: bytes,
    headers: dict[str, str],
    status: int,
    code: str,
    field: str | None,
) -> None:
    answer = await client.post("/cases/7/approval", content=content, headers={**OFFICER, **headers})
    told = answer.json()
    assert (answer.status_code, told["code"], told.get("field")) == (status, code, field)


async def test_nests_that_break_the_parser_are_refused(metrics: Metrics) -> None:
    app = make(metrics, settings=WebSettings(mode=Mode.DEMO, body_limit=10_000_000))
    async with client_of(app) as client:
        deep = await client.post("/any", content=b"[" * 500_000, headers=JSON)
        long = await client.post("/any", content=b"9" * 5000, headers=JSON)
    assert (deep.status_code, deep.json()["code"]) == (400, "json-too-deep")
    assert (long.status_code, long.json()["code"]) == (400, "malformed-json")


async def test_a_body_without_a_length_is_counted_while_it_is_read(
    client: httpx.AsyncClient,
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 100

    answer = await client.post("/any", content=chunks(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


async def test_a_route_for_files_may_have_a_limit_of_its_own(metrics: Metrics) -> None:
    async with client_of(make(metrics, larger_bodies={"/any": 5000})) as client:
        answer = await client.post("/any", content=b'"' + b"a" * 4000 + b'"', headers=JSON)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "url", ["/cases/%00", "/cases/%FF", "/cases/7?limit=%00", "/cases/7?limit=%ff"]
)
async def test_text_that_is_none_is_refused_in_the_url(client: httpx.AsyncClient, url: str) -> None:
    answer = await client.get(url, headers=OFFICER)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-url")


async def test_a_bad_parameter_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.get("/cases/7?limit=many", headers=OFFICER)
    told = answer.json()
    assert (answer.status_code, told["code"], told["field"]) == (422, "wrong-type", "limit")


async def test_several_bad_fields_are_all_told(client: httpx.AsyncClient) -> None:
    body = {"occurred_on": "x", "reason": "far too long a reason"}
    answer = await client.post("/cases/7/approval", json=body, headers=OFFICER)
    assert answer.json() == {
        "type": "/problems/wrong-type",
        "title": "不予办理",
        "status": 422,
        "detail": "occurred_on: 须为日期(年-月-日)",
        "code": "wrong-type",
        "field": "occurred_on",
        "errors": [
            {"field": "occurred_on", "code": "wrong-type", "detail": "须为日期(年-月-日)"},
            {"field": "reason", "code": "too-long", "detail": "至多10个字符"},
        ],
        **INSTANCE,
    }


async def test_nobody_gets_no_further_than_the_door(client: httpx.AsyncClient) -> None:
    answer = await client.post("/cases/7/approval", content=b"{", headers=JSON)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="dixian"'
    assert answer.json() == {
        "type": "/problems/no-token",
        "title": "凭证缺失或无效",
        "status": 401,
        "detail": "请先登录或提供密钥",
        "code": "no-token",
        "field": "Authorization",
        **INSTANCE,
    }


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer ", "Bearer " + "x" * 9000])
async def test_what_is_no_bearer_token_is_refused(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.get("/cases/7", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "token-malformed")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_two_authorizations_are_refused(client: httpx.AsyncClient) -> None:
    headers = [("Authorization", "Bearer a:officer:37"), ("Authorization", "Bearer b:officer:37")]
    answer = await client.get("/cases/7", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "token-malformed")


@pytest.mark.parametrize(
    "caller",
    [
        acting(Role.OFFICER, "370114101"),
        acting(Role.OFFICER, "3701"),
        acting(Role.COMMITTEE, "370114"),
        acting(Role.OPERATOR, "370114"),
    ],
)
async def test_a_wrong_role_or_level_is_refused_before_the_body_is_read(
    client: httpx.AsyncClient, caller: dict[str, str]
) -> None:
    answer = await client.post("/cases/7/approval", content=b"{", headers={**JSON, **caller})
    assert answer.json() == {
        "type": "/problems/forbidden",
        "title": "无权办理",
        "status": 403,
        "detail": "R1 · 指南第1问: 该事项由县级相应岗位办理,您的岗位无权办理",
        "code": "forbidden",
        "rule": "R1",
        "question": 1,
        **INSTANCE,
    }


async def test_an_unknown_url(client: httpx.AsyncClient) -> None:
    answer = await client.get("/张三")
    assert answer.json() == {
        "type": "/problems/no-such-route",
        "title": "不存在",
        "status": 404,
        "detail": "没有这个网址",
        "code": "no-such-route",
        **INSTANCE,
    }


async def test_a_method_the_url_does_not_take(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/cases/7", headers=OFFICER)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert answer.json()["code"] == "method-not-allowed"


def test_a_route_without_a_permission_cannot_be_made() -> None:
    made = Router()
    with pytest.raises(UndeclaredRoute):

        @made.get("/open")
        async def forgotten() -> None: ...


def test_nor_one_that_says_both() -> None:
    made = Router()
    with pytest.raises(UndeclaredRoute):

        @made.get("/both", dependencies=[public(), require(COUNTY)])
        async def both() -> None: ...


def test_the_access_table_lists_every_route(app: FastAPI) -> None:
    table = access_table(app)
    assert Access("POST", "/cases/{case_id}/approval", COUNTY) in table
    assert {line.path for line in table if line.permission is None} == {
        "/raised/{what}",
        "/any",
        "/health/live",
        "/health/ready",
        "/health",
        "/metrics",
    }
    [line] = [line for line in table if line.path == "/cases/{case_id}"]
    assert (line.roles, line.levels) == ((Role.OFFICER,), (Level.COUNTY,))


async def test_require_gives_the_principal_as_a_parameter() -> None:
    made = Router()

    @made.get("/me")
    async def me(caller: Annotated[Principal, require(COUNTY)]) -> str:
        return caller.division

    app = create_app(
        service="t",
        title="T",
        settings=WebSettings(),
        routers=[made],
        authenticator=TakenAtTheirWord(),
        metrics=Metrics(),
    )
    async with client_of(app) as client:
        answer = await client.get("/me", headers=OFFICER)
    assert answer.json() == "370114"
    assert "max-age" in answer.headers["strict-transport-security"]


async def test_the_document_shows_who_may_and_what_may_go_wrong(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/cases/{case_id}/approval"]["post"]
    assert operation["security"] == [{"person": []}, {"machineKey": []}]
    assert (operation["x-roles"], operation["x-levels"]) == (["officer"], ["COUNTY"])
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    refusals = {400, 401, 403, 404, 409, 410, 412, 413, 415, 422, 429, 500, 503}
    assert operation["responses"].keys() == {"200", *map(str, refusals)}
    for status in refusals:
        assert operation["responses"][str(status)]["content"] == problem
    assert {item["name"] for item in operation["parameters"]} == {
        "case_id",
        "Idempotency-Key",
        "If-Match",
    }
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert "security" not in document["paths"]["/health"]["get"]


async def _up() -> None: ...


async def _down() -> None:
    raise ConnectionRefusedError("10.1.2.3 refused")


async def _silent() -> None:
    await asyncio.Event().wait()


async def _numbers() -> dict[str, Any]:
    return {"recorded": 3, "sent": 3, "missing": []}


async def test_health_when_all_is_up(metrics: Metrics) -> None:
    app = make(metrics, checks=[Check("database", _up)], numbers=_numbers)
    async with client_of(app) as client:
        live, ready, health = [
            await client.get(path) for path in ("/health/live", "/health/ready", "/health")
        ]
    up = {"service": "identification", "status": "up", "parts": {"database": {"up": True}}}
    assert (live.status_code, live.json()) == (200, {"service": "identification", "status": "up"})
    assert (ready.status_code, ready.json()) == (200, up)
    assert health.json() == {**up, "reconciliation": {"recorded": 3, "sent": 3, "missing": []}}


async def test_readiness_names_the_part_that_is_down(metrics: Metrics) -> None:
    checks = [Check("database", _down), Check("bus", _silent, 0.01), Check("issuer", _up)]
    with structlog.testing.capture_logs() as records:
        async with client_of(make(metrics, checks=checks, numbers=_numbers)) as client:
            ready = await client.get("/health/ready")
            health = await client.get("/health")
    down = {
        "service": "identification",
        "status": "down",
        "parts": {
            "database": {"up": False, "reason": "ConnectionRefusedError"},
            "bus": {"up": False, "reason": "no answer within 0.01 s"},
            "issuer": {"up": True},
        },
    }
    assert (ready.status_code, ready.json()) == (503, down)
    assert (health.status_code, health.json()) == (503, down)
    assert {record["event"] for record in records} == {"part is down", "request"}


async def test_metrics_count_by_template_and_rule(client: httpx.AsyncClient) -> None:
    await client.get("/raised/rule")
    await client.get("/nobody/knows/this")
    shown = (await client.get("/metrics")).text
    assert (
        'dixian_http_requests_total{method="GET",route="/raised/{what}",status="409"} 1.0' in shown
    )
    assert 'dixian_http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in shown
    assert 'dixian_refusals_total{code="publicity-not-complete",rule="R56"} 1.0' in shown
    assert "nobody" not in shown


async def test_made_up_methods_do_not_become_labels(client: httpx.AsyncClient) -> None:
    answer = await client.request("SECRET", "/cases/7")
    shown = (await client.get("/metrics")).text
    assert answer.status_code == 405
    assert 'method="OTHER"' in shown
    assert "SECRET" not in shown
