"""What the commands have in common that ask a running server over its HTTP API."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Annotated, Any, Final, Self
from urllib.parse import quote

import httpx
import typer

from collab.errors import SettingsError
from collab.ids import RoomName
from gateway.api.terms import PREFIX, PROBLEM_TYPE_PREFIX
from gateway.settings import CLI_BEARER_VARIABLE
from gateway.terminal import usage

CONNECT_TIMEOUT_S: Final = 10.0
WORK_TIMEOUT_S: Final = 300.0
"""Reading or rewriting a large document takes its time."""

_URL_HELP: Final = "A running server, such as http://127.0.0.1:8080."
_UNAUTHENTICATED: Final = 401
_FILE: Final = "application/octet-stream"
_ADVICE: Final[Mapping[int, str]] = MappingProxyType(
    {
        403: "Mint one with another role: bandpro token --subject me --room 'PATTERN=owner'.",
        423: "Find out why, then make it openable again: bandpro rooms release.",
        429: "Try again in a while.",
        503: "Try again in a while; the server's log says more.",
    }
)
_NO_ADVICE: Final[Mapping[int, str]] = MappingProxyType({})

Url = Annotated[str | None, typer.Option(help=_URL_HELP)]
DefaultUrl = Annotated[str, typer.Option("--url", help=_URL_HELP)]
DEFAULT_URL: Final = "http://127.0.0.1:8080"
"""Where a server is that was started without options."""

Bearer = Annotated[
    str | None,
    typer.Option(
        "--token",
        help="A token for it; better in the variable, for commands show in the process list.",
        envvar=CLI_BEARER_VARIABLE,
    ),
]


def room_path(name: RoomName) -> str:
    """The API's path of a room, below its prefix."""
    return f"/rooms/{quote(name, safe='')}"


class RemoteServer:
    """A running server; a context manager that keeps its connection.

    Args:
        url: where it is.
        token: what opens it; None for a server without tokens.
        advice: what to do about a status, where this is known better than here.

    Raises:
        SettingsError: this can be no address, or no token.
    """

    def __init__(self, url: str, token: str | None, advice: Mapping[int, str] = _NO_ADVICE) -> None:
        self.url = url.rstrip("/")
        self._has_token = bool(token)
        self._advice = {**_ADVICE, **advice}
        try:
            headers = {"Authorization": f"Bearer {token.strip()}"} if token else {}
            self._client = httpx.Client(base_url=self.url + PREFIX, headers=headers)
        except UnicodeEncodeError:
            raise usage("this is no token", "Mint one with `bandpro token`.") from None
        except httpx.InvalidURL:
            raise self._no_address() from None

    def __enter__(self) -> Self:
        """Keep the connection."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        file: bytes | None = None,
        timeout_s: float = WORK_TIMEOUT_S,
    ) -> httpx.Response:
        """Make one request.

        Args:
            method: of HTTP.
            path: below the API's prefix.
            query: its parameters.
            body: sent as JSON, unless None.
            file: sent as it is, in place of a body.
            timeout_s: how long the answer may take.

        Raises:
            SettingsError: it cannot be reached or says no; the notes say what to do.
        """
        timeout = httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S)
        headers = None if file is None else {"Content-Type": _FILE}
        try:
            response = self._client.request(
                method,
                path,
                params=query,
                json=body,
                content=file,
                headers=headers,
                timeout=timeout,
            )
        except httpx.ReadTimeout:
            raise usage(
                f"{self.url} has not answered within {timeout_s:.0f} s",
                "It may still be at work: look what became of it before you ask again.",
            ) from None
        except (httpx.UnsupportedProtocol, httpx.InvalidURL):
            raise self._no_address() from None
        except httpx.HTTPError as cause:
            raise self._no_server(type(cause).__name__) from cause
        if not response.is_success:
            raise self._refusal(response)
        return response

    def ask_json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        file: bytes | None = None,
        timeout_s: float = WORK_TIMEOUT_S,
    ) -> dict[str, Any]:
        """Make one request whose answer is a JSON object; see `ask`."""
        response = self.ask(method, path, query=query, body=body, file=file, timeout_s=timeout_s)
        answer = _object_of(response)
        if answer is None:
            raise self._no_server("what it sends is no JSON object")
        return answer

    def _refusal(self, response: httpx.Response) -> SettingsError:
        if response.has_redirect_location:
            return usage(
                f"{self.url} is not where the server is: it leads to "
                f"{response.headers['Location']}",
                "Pass the server's own address with --url.",
            )
        problem = _object_of(response) or {}
        if not str(problem.get("type")).startswith(PROBLEM_TYPE_PREFIX):
            return self._no_server(f"HTTP status {response.status_code}")
        said = problem.get("detail") or problem.get("title")
        if response.status_code == _UNAUTHENTICATED:
            refused = f"does not take the token: {said}" if self._has_token else "wants a token"
            return usage(
                f"{self.url} {refused}",
                "Mint one with `bandpro token`, and pass it as BANDPRO_CLI_TOKEN.",
            )
        error = SettingsError(f"{self.url} says no: {said}")
        if response.status_code in self._advice:
            error.add_note(self._advice[response.status_code])
        return error

    def _no_server(self, why: str) -> SettingsError:
        return usage(
            f"{self.url} does not answer as a BandPro server: {why}",
            "Is it running? `bandpro serve` prints its address.",
        )

    def _no_address(self) -> SettingsError:
        return usage(f"--url {self.url}: no address of a server", f"Write it as {DEFAULT_URL}.")


def _object_of(response: httpx.Response) -> dict[str, Any] | None:
    try:
        found = response.json()
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
