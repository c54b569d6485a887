"""The spellings that settings accept: sizes with units, lists with commas, words for numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, ByteSize, TypeAdapter
from pydantic_settings import NoDecode

from gateway.cluster.bus_url import parse_bus_url
from persistence.store_urls import masked

_BYTE_SIZE: Final = TypeAdapter(ByteSize)
_ORIGINS_WITHOUT_HOST: Final = frozenset({"null", "file://"})

_BLOBS_URL: Final = re.compile(
    r"file:.*|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._/-]*)?", re.DOTALL
)

_SWITCH: Final = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}


class AuthMode(StrEnum):
    """Who gets in."""

    OPEN = "open"  # everybody, as owner; on a loopback address only
    TOKEN = "token"  # noqa: S105 - a mode's name


class StoreKind(StrEnum):
    """Where rooms are kept."""

    SQLITE = "sqlite"
    MEMORY = "memory"
    MONGODB = "mongodb"


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """A store and where it is.

    Attributes:
        kind: which one.
        url: as `persistence.build` takes it; may hold a password.
    """

    kind: StoreKind
    url: str = field(repr=False)

    def __str__(self) -> str:
        return masked(self.url) if self.kind is StoreKind.MONGODB else self.kind.value


SQLITE: Final = StoreChoice(StoreKind.SQLITE, "sqlite:")


class BusKind(StrEnum):
    """How nodes that share a store hear of each other."""

    OFF = "off"  # not at all: one node
    LOG = "log"  # by looking at the log
    REDIS = "redis"


@dataclass(frozen=True, slots=True)
class BusChoice:
    """A bus and where it is.

    Attributes:
        kind: which one.
        url: of Redis; may hold a password.
    """

    kind: BusKind
    url: str = field(default="", repr=False)

    def __str__(self) -> str:
        return masked(self.url) if self.kind is BusKind.REDIS else self.kind.value


NO_BUS: Final = BusChoice(BusKind.OFF)


class TransportKind(StrEnum):
    """How websockets are served once they are accepted."""

    AUTO = "auto"
    ASGI = "asgi"


class LogFormat(StrEnum):
    """How log events are written."""

    AUTO = "auto"  # pretty on a terminal, JSON elsewhere
    JSON = "json"
    PRETTY = "pretty"


class LogLevel(StrEnum):
    """The least severe events that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class TokenAlgorithm(StrEnum):
    """Signature algorithms that may be pinned; `none` is not among them."""

    HS256 = "HS256"
    RS256 = "RS256"
    ES256 = "ES256"
    EDDSA = "EdDSA"


def is_loopback(host: str) -> bool:
    """Whether a host name or address can be reached from this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _size(value: object) -> object:
    return int(_BYTE_SIZE.validate_python(value)) if isinstance(value, str) else value


def _listed(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _on_off(value: object) -> object:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word not in _SWITCH:
        raise ValueError("should be on or off")
    return _SWITCH[word]


def _or_off(value: object) -> object:
    return None if isinstance(value, str) and value.lower() in {"off", "none"} else value


def _store(value: object) -> object:
    if not isinstance(value, str):
        return value
    scheme, separator, _ = value.partition("://")
    match scheme, separator:
        case "sqlite", "":
            return SQLITE
        case "memory", "":
            return StoreChoice(StoreKind.MEMORY, "memory://")
        case "mongodb" | "mongodb+srv", "://":
            return StoreChoice(StoreKind.MONGODB, value)
        case _:
            raise ValueError("should be sqlite, memory, or a URL of mongodb:// or mongodb+srv://")


def _bus(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value in {"off", "log"}:
        return BusChoice(BusKind(value))
    parse_bus_url(value)
    return BusChoice(BusKind.REDIS, value)


def _blobs_url(value: str) -> str:
    """Refuse what names no place, and what holds a secret, before it is shown anywhere."""
    if _BLOBS_URL.fullmatch(value) is None:
        raise ValueError(
            "should be file:, file:<folder> or s3://<bucket>/<prefix>, without credentials: those "
            "come from the environment"
        )
    return value


def _network(value: object) -> object:
    return ip_network(value, strict=False) if isinstance(value, str) else value


def _origin(value: str) -> str:
    """Check one entry of the origin allow-list and spell it as browsers do."""
    if value == "*" or value in _ORIGINS_WITHOUT_HOST:
        return value
    parts = urlsplit(value)
    if not parts.scheme or not parts.netloc or parts.path.strip("/") or parts.query or "@" in value:
        raise ValueError(f"{value!r} is no origin: write scheme://host or scheme://host:port")
    return f"{parts.scheme}://{parts.netloc}".lower()


Bytes = Annotated[int, BeforeValidator(_size)]
"""A size; `1048576`, `1MiB` and `1MB` are understood."""

OnOff = Annotated[bool, BeforeValidator(_on_off)]
"""A switch."""

PortOrOff = Annotated[int | None, BeforeValidator(_or_off)]
"""A TCP port, 0 for any free one, or `off`."""

BlobsUrl = Annotated[str, AfterValidator(_blobs_url)]
"""A folder or a bucket."""

Store = Annotated[StoreChoice, NoDecode, BeforeValidator(_store)]
"""`sqlite`, `memory`, or the URL of a MongoDB."""

Bus = Annotated[BusChoice, NoDecode, BeforeValidator(_bus)]
"""`off`, `log`, or the URL of a Redis."""

Algorithms = Annotated[tuple[TokenAlgorithm, ...], NoDecode, BeforeValidator(_listed)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Origins = Annotated[
    tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_listed)
]
HostNames = Annotated[
    tuple[Annotated[str, AfterValidator(str.lower)], ...], NoDecode, BeforeValidator(_listed)
]
Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)], ...],
    NoDecode,
    BeforeValidator(_listed),
]
