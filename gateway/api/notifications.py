"""What people are told by mail: their preferences, and where the links in mails lead.

Such a link is opened by programs that look for dangerous pages too, so opening one changes nothing:
it shows a page with a button. What mail programs offer as one click is a POST at once (RFC 8058).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from collab.access import Claims
from collab.errors import AccessDenied
from gateway.api import notification_answers as bodies
from gateway.api.answers import NoQuery
from gateway.api.api import ApiServices
from gateway.api.endpoints import JSON, Body, Endpoint
from gateway.api.openapi import schema_of
from gateway.api.problems import Problem
from gateway.api.requests import empty_response, json_response, read_json, read_query
from gateway.api.terms import CONFIRM_PATH, UNSUBSCRIBE_PATH
from workers.notices.events import EventKind
from workers.notices.preferences import Period, Preferences, Timing, checked_address

_TAG: Final = "Notifications"
_HTML: Final = "text/html"
_PAGE: Final = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>BandPro</title>
<body><p>{text}</p>{form}</body></html>
"""
_FORM: Final = '<form method="post"><button>{label}</button></form>'
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    # With no referrer at all, browsers would not say either whose form it is that is sent.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class NotificationsApi:
    """The handlers.

    Args:
        services: what they work with.
    """

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    async def describe(self, request: Request) -> Response:
        """GET /me/notifications."""
        claims = await self._require_somebody(request)
        read_query(request, NoQuery)
        return self._told(await self._services.mails.wanted(claims.subject))

    async def change(self, request: Request) -> Response:
        """PATCH /me/notifications."""
        claims = await self._require_somebody(request)
        read_query(request, NoQuery)
        wanted = await read_json(request, bodies.NotificationChange)
        if wanted.address is not None:
            address = checked_address(wanted.address)
            is_known = address == claims.email
            await self._services.mails.set_address(claims.subject, address, is_confirmed=is_known)
        timings = {EventKind(kind): Timing(timing) for kind, timing in (wanted.kinds or {}).items()}

        def changed(known: Preferences) -> Preferences:
            is_off = wanted.is_unsubscribed
            return replace(
                known,
                timings={**known.timings, **timings},
                period=known.period if wanted.digest is None else Period(wanted.digest),
                is_unsubscribed=known.is_unsubscribed if is_off is None else is_off,
            )

        return self._told(await self._services.mails.preferences.change(claims.subject, changed))

    async def forget(self, request: Request) -> Response:
        """DELETE /me/notifications."""
        claims = await self._require_somebody(request)
        read_query(request, NoQuery)
        await self._services.mails.forget(claims.subject)
        return empty_response()

    async def show_confirmation(self, request: Request) -> Response:
        """GET /notifications/confirm/{link}."""
        await self._services.mails.read_confirmation(_token(request))
        return _page("Shall BandPro write to this address?", "Yes, confirm it")

    async def confirm(self, request: Request) -> Response:
        """POST /notifications/confirm/{link}."""
        await self._services.mails.confirm(_token(request))
        return _page("The address is confirmed.")

    async def show_refusal(self, request: Request) -> Response:
        """GET /notifications/unsubscribe/{link}."""
        await self._services.mails.check_refusal(_token(request))
        return _page("Do you want no more mail from BandPro at this address?", "No more mail")

    async def unsubscribe(self, request: Request) -> Response:
        """POST /notifications/unsubscribe/{link}."""
        await self._services.mails.unsubscribe(_token(request))
        return _page("You get no more mail from BandPro at this address.")

    async def _require_somebody(self, request: Request) -> Claims:
        """Whoever asks, where people are told apart.

        Raises:
            Unauthenticated: nobody was recognised.
            AccessDenied: everybody is the same here.
        """
        claims = await self._services.auth.authenticator.authenticate_request(request.headers)
        if not claims.verified:
            raise AccessDenied("in open mode everybody is the same, and nobody is told by mail")
        return claims

    def _told(self, wanted: Preferences) -> Response:
        answer = bodies.NotificationPreferences.model_validate(
            {
                "is_available": self._services.mails.is_on,
                "address": wanted.address or None,
                "is_confirmed": wanted.is_confirmed,
                "is_unsubscribed": wanted.is_unsubscribed,
                "kinds": {kind.value: when.value for kind, when in wanted.all_timings().items()},
                "digest": wanted.period.value,
            }
        )
        return json_response(answer.model_dump())


def _token(request: Request) -> str:
    read_query(request, NoQuery)
    token: str = request.path_params["link"]
    return token


def _page(text: str, label: str = "") -> Response:
    form = _FORM.format(label=label) if label else ""
    return HTMLResponse(_PAGE.format(text=text, form=form), headers=_PAGE_HEADERS)


def notification_endpoints(services: ApiServices) -> list[Endpoint]:
    """The operations on notifications."""
    api = NotificationsApi(services)
    return [*_preferences(api), *_links(api)]


def _preferences(api: NotificationsApi) -> list[Endpoint]:
    path = "/me/notifications"
    answer = Body(JSON, schema_of(bodies.NotificationPreferences))
    return [
        Endpoint(
            "GET",
            path,
            api.describe,
            "getNotifications",
            _TAG,
            "What you are told by mail",
            "The preferences of the token's subject, or what holds where they said nothing.",
            answer=answer,
        ),
        Endpoint(
            "PATCH",
            path,
            api.change,
            "changeNotifications",
            _TAG,
            "Change what you are told by mail",
            "An address is told of nothing before it is confirmed, by the link that is sent to it. "
            "Three such mails an hour go to one address, and ten are sent for one subject (429). "
            "Where the server sends no mail, an address is refused (409).",
            answer=answer,
            body=Body(JSON, schema_of(bodies.NotificationChange)),
            problems=(
                Problem.CONFLICT,
                Problem.TOO_LARGE,
                Problem.TIMEOUT,
                Problem.UNSUPPORTED_MEDIA_TYPE,
            ),
        ),
        Endpoint(
            "DELETE",
            path,
            api.forget,
            "forgetNotifications",
            _TAG,
            "Be told nothing, and be forgotten",
            "The address, the preferences, and what was collected for a digest.",
            status=204,
        ),
    ]


def _links(api: NotificationsApi) -> list[Endpoint]:
    page = Body(_HTML, {"type": "string"}, "A page.")
    return [
        Endpoint(
            "GET",
            f"{CONFIRM_PATH}{{link}}",
            api.show_confirmation,
            "showConfirmation",
            _TAG,
            "Where the link leads that confirms an address",
            "A page with a button; opening it changes nothing. A link that is not ours, whose time "
            "is over, or that is about an address that was changed since is refused (403).",
            answer=page,
            is_open=True,
        ),
        Endpoint(
            "POST",
            f"{CONFIRM_PATH}{{link}}",
            api.confirm,
            "confirmAddress",
            _TAG,
            "Confirm an address",
            "What the button does; twice is once. Any body is ignored.",
            answer=page,
            is_open=True,
        ),
        Endpoint(
            "GET",
            f"{UNSUBSCRIBE_PATH}{{link}}",
            api.show_refusal,
            "showUnsubscription",
            _TAG,
            "Where the link leads that ends all mail",
            "A page with a button; opening it changes nothing.",
            answer=page,
            is_open=True,
        ),
        Endpoint(
            "POST",
            f"{UNSUBSCRIBE_PATH}{{link}}",
            api.unsubscribe,
            "unsubscribe",
            _TAG,
            "End all mail to an address",
            "What the button does, and what mail programs offer as one click (RFC 8058); twice is "
            "once, and an address that was changed since stays. Any body is ignored.",
            answer=page,
            is_open=True,
        ),
    ]
