"""The way every page is answered: who asks, what they sent, and what becomes of a refusal."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import quote, urlsplit

import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.console.api import Api, Away, Refused, Services
from services.console.look import Html, Look
from services.console.settings import ConsoleSettings
from services.console.sign_in import SignIn
from services.console.visit import Visit, csrf_holds
from services.console.words import Words
from shared.kernel.principal import Principal, Role
from shared.telemetry.faults import describe
from shared.web.middleware import route_of

log = structlog.get_logger("dixian.console")
Page = Callable[[Visit], Awaitable[Response]]
_MOST_FIELDS = 2000
_MOST_FILES = 40
_NO_WORDS = {"code": "", "title": "", "detail": "", "rule": "", "request_id": ""}
"""A problem need not have each of these."""


class NotHere(Exception):
    """There is no such page, or not for this person."""


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation, for those whose post allows the route behind it."""

    path: str
    zh: str
    service: str
    route: str
    method: str = "GET"


NAV = (
    NavItem("/leads", "线索", "alerts", "/leads"),
    NavItem("/households", "农户", "identification", "/households"),
    NavItem("/cases", "个案", "identification", "/cases"),
    NavItem("/plans", "帮扶", "assistance", "/plans"),
    NavItem("/orders", "热线工单", "alerts", "/orders"),
    NavItem("/files", "部门数据", "alerts", "/alerts"),
    NavItem("/board", "看板", "identification", "/oversight/funnel"),
    NavItem("/trail", "审计", "audit", "/entries"),
    NavItem("/checks", "日志巡检", "audit", "/findings"),
    NavItem("/corrections", "更正", "audit", "/corrections"),
    NavItem("/keys", "签名密钥", "audit", "/signing-keys/{key_id}/confirmation", "POST"),
)
KEEPERS = frozenset({Role.OPERATOR, Role.ADMINISTRATOR})
"""Who sees how the system fares."""


@dataclass(frozen=True)
class Door:
    """What every page needs, and the way through."""

    settings: ConsoleSettings
    services: Services
    look: Look
    sign_in: SignIn

    def get(self, path: str, page: Page) -> BaseRoute:
        """A page that is looked at."""
        return Route(path, self._endpoint(path, page), methods=["GET"])

    def post(self, path: str, page: Page) -> BaseRoute:
        """A form that is sent."""
        return Route(path, self._endpoint(path, page), methods=["POST"])

    def both(self, path: str, show: Page, send: Page) -> Sequence[BaseRoute]:
        """A form: shown and sent at the same address."""
        return (self.get(path, show), self.post(path, send))

    def words(self, request: Request) -> Words:
        """The language that was chosen; Chinese otherwise."""
        return Words("en" if request.session.get("language") == "en" else "zh")

    def _endpoint(self, path: str, page: Page) -> Callable[[Request], Awaitable[Response]]:
        template = SimpleNamespace(path_format=path)

        async def endpoint(request: Request) -> Response:
            # What the log and the metrics call it: a raw path may hold anything.
            request.scope["route"] = template
            if not _signed_in(request):
                return self._to_sign_in(request)
            visit = None
            try:
                visit = await self._visit(request)
                return await page(visit)
            except Exception as error:
                return self._answer(request, error, visit)

        return endpoint

    async def nothing_there(self, request: Request, status: int) -> Response:
        """No such page: whoever is signed in keeps the way to the others."""
        try:
            visit = await self._visit(request) if _signed_in(request) else None
        except (Refused, Away):
            visit = None
        return self.problem(request, status, {}, visit)

    def _answer(self, request: Request, error: Exception, visit: Visit | None) -> Response:
        """What becomes of a refusal, a service that is away, and a fault of our own."""
        if isinstance(error, Refused) and error.status == 401:
            request.session.pop("token", None)
            return self._to_sign_in(request)
        if isinstance(error, Refused):
            return self.problem(request, error.status, error.problem, visit)
        if isinstance(error, NotHere):
            return self.problem(request, 404, {}, visit)
        if isinstance(error, Away):
            return self.problem(request, 503, {"code": "away", "service": error.service}, visit)
        log.error("fault", fault=describe(error), route=route_of(request.scope))
        request.app.state.metrics.faults.labels(type(error).__name__).inc()
        return self.problem(request, 500, {"code": "fault", "request_id": _id(request)})

    def api_of(self, request: Request) -> Api:
        """The services for whoever is signed in."""
        session = request.session
        who = Principal(
            session["subject"], frozenset(map(Role, session["roles"])), session["division"]
        )
        language = self.words(request).language
        return Api(self.services, session["token"], who, language, _id(request))

    async def _visit(self, request: Request) -> Visit:
        words, api = self.words(request), self.api_of(request)
        form = await self._form(request) if request.method == "POST" else FormData()
        today = await self.services.today(api.token)
        return Visit(request, self.look, api, words, today, form, await self._nav(api))

    async def _form(self, request: Request) -> FormData:
        form = await request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS)
        given = form.get("_csrf")
        if not isinstance(given, str) or not csrf_holds(request.session, given):
            raise Refused(403, {"code": "csrf"})
        return form

    async def _nav(self, api: Api) -> tuple[tuple[str, str], ...]:
        shown = []
        for item in NAV:
            try:
                if await api.may(item.service, item.route, item.method):
                    shown.append((item.path, item.zh))
            except Away:
                continue
        if not api.principal.roles.isdisjoint(KEEPERS):
            shown.append(("/system", "运行状态"))
        return tuple(shown)

    def _to_sign_in(self, request: Request) -> Response:
        if request.method == "GET":
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/sign-in?then={quote(asked)}", status_code=303)
        if "x-dixian-resend" in request.headers:
            # The page's script keeps what it holds and sends it again once somebody signed in.
            return Response(status_code=401)
        page = self.look.plain("signed_out.html", self.words(request), then=request.url.path)
        return Html(page, status_code=401)

    def problem(
        self,
        request: Request,
        status: int,
        problem: dict[str, object],
        visit: Visit | None = None,
    ) -> Response:
        """A page that says no, and why; with the ways on, where it is known who looks."""
        shown = {"status": status, "problem": _NO_WORDS | problem, "back": _back(request)}
        if visit is None:
            page = self.look.plain("problem.html", self.words(request), **shown)
        else:
            page = self.look.render("problem.html", visit, shown)
        return Html(page, status_code=status)


def _id(request: Request) -> str:
    """The request's id, which the services' records of it carry too."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def _signed_in(request: Request) -> bool:
    return bool(request.session.get("token"))


def _back(request: Request) -> str:
    """Where the person came from, if that was here."""
    came = urlsplit(request.headers.get("referer", ""))
    here = request.url
    return came.path if came.netloc == here.netloc and came.path != here.path else "/"
