"""Settings: read once at the root from options and ``BANDPRO_*``, frozen, passed explicitly.

An option beats the environment, the environment beats the default. Whatever is unknown,
contradictory or unsafe stops the start with one line that says what to do.
"""

from __future__ import annotations

import difflib
import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from collab.errors import SettingsError
from collab.limits import FRAME_OVERHEAD_BYTES_MAX, NODE_ID_CHARS_MAX
from gateway.cluster.bus_url import parse_bus_url
from gateway.compiled.form import FORM_VARIABLE
from gateway.job_settings import JobSettings
from gateway.mail_settings import MailSettings, mail_problem
from gateway.notice_settings import NoticeSettings
from gateway.setting_fields import (
    AccessSettings,
    ApplySettings,
    BlobSettings,
    ClusterSettings,
    EncryptionSettings,
    LogSettings,
    MongoSettings,
    RateSettings,
    ServerSettings,
    SizeSettings,
    TimeSettings,
    VersionSettings,
)
from gateway.setting_types import AuthMode, BusKind, StoreKind, TokenAlgorithm, is_loopback

ENV_PREFIX: Final = "BANDPRO_"
CLI_BEARER_VARIABLE: Final = "BANDPRO_CLI_TOKEN"
"""A variable of `bandpro rooms`, no setting of a server; may be set beside them."""

BACKUP_KEY_VARIABLES: Final = ("BANDPRO_BACKUP_KEY", "BANDPRO_BACKUP_KEY_FILE")
"""Variables of `bandpro backup` and its kind: the key, or a file that holds it."""

_NO_SETTINGS: Final = (CLI_BEARER_VARIABLE, *BACKUP_KEY_VARIABLES, FORM_VARIABLE)

SECRET_BYTES_MIN: Final = 32
_PUBLIC_KEY_ALGORITHMS: Final = (
    TokenAlgorithm.RS256,
    TokenAlgorithm.ES256,
    TokenAlgorithm.EDDSA,
)


class Settings(
    ServerSettings,
    ClusterSettings,
    EncryptionSettings,
    AccessSettings,
    TimeSettings,
    ApplySettings,
    RateSettings,
    SizeSettings,
    VersionSettings,
    MongoSettings,
    BlobSettings,
    JobSettings,
    NoticeSettings,
    MailSettings,
    LogSettings,
    BaseSettings,
):
    """All settings of one node; made by :func:`load_settings`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,
    )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return is_loopback(self.host)

    @property
    def blobs_is_remote(self) -> bool:
        """Whether a service for blobs was named that is on another machine."""
        return self.blobs_endpoint is not None and not is_loopback(self.blobs_endpoint.host or "")

    @property
    def seeds_demo(self) -> bool:
        """Whether the demo room is seeded at the first start."""
        return self.auth is AuthMode.OPEN if self.demo is None else self.demo

    @property
    def pinned_algorithms(self) -> tuple[TokenAlgorithm, ...]:
        """The signature algorithms that are accepted; never both kinds of key."""
        if self.token_algorithms:
            return self.token_algorithms
        return _PUBLIC_KEY_ALGORITHMS if self.jwks_url else (TokenAlgorithm.HS256,)

    @property
    def frame_bytes_max(self) -> int:
        """The largest frame of a client that has signed in: a step 2 with a whole document."""
        return self.document_bytes_max + FRAME_OVERHEAD_BYTES_MAX


GROUPS: Final[tuple[type[BaseModel], ...]] = tuple(
    base for base in Settings.__bases__ if issubclass(base, BaseModel) and base is not BaseSettings
)
"""The groups of settings, in the order in which they are shown."""


def load_settings(
    options: Mapping[str, object] | None = None, *, for_serving: bool = True
) -> Settings:
    """Read the settings from options and the environment.

    Args:
        options: values by name of setting, as from the command line; None means "not given".
        for_serving: a server is to run with them; otherwise only what guards data on its way is
            checked of `RULES`.

    Returns:
        The checked settings; secrets kept in files have been read.

    Raises:
        SettingsError: something is unknown, contradictory or unsafe. The message is one line;
            its notes say what to do.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    _refuse_unknown(given, os.environ)
    try:
        settings = Settings.model_validate({}) if not given else _build(given)
    except ValidationError as error:
        raise _explained(error, given) from None
    settings = _with_secrets_from_files(settings)
    for check in RULES if for_serving else (_endpoint_is_safe,):
        check(settings)
    return settings


def read_secret_file(path: Path, setting: str = "token_secret_file") -> SecretStr:
    """Read a secret from a file, named by a setting; white space around it does not count.

    Raises:
        SettingsError: the file cannot be read as text.
    """
    try:
        return SecretStr(path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise _problem(f"{setting}: {path} cannot be read: {reason}") from None


def check_secret(secret: SecretStr, setting: str = "token_secret") -> None:
    """Refuse a secret that could be guessed.

    Raises:
        SettingsError: it has fewer than 32 bytes.
    """
    size_bytes = len(secret.get_secret_value().encode())
    if size_bytes < SECRET_BYTES_MIN:
        raise _problem(
            f"{setting} is too weak: {size_bytes} bytes, at least {SECRET_BYTES_MIN} are needed",
            KEY_HINT,
        )


KEY_HINT: Final = (
    "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))' > secret.txt"
    " and pass --token-secret-file secret.txt"
)


def _build(given: Mapping[str, object]) -> Settings:
    return Settings(**given)  # type: ignore[arg-type] # validated by the model itself


def _problem(message: str, hint: str = "") -> SettingsError:
    error = SettingsError(message)
    if hint:
        error.add_note(hint)
    return error


def _refuse_unknown(given: Mapping[str, object], environ: Mapping[str, str]) -> None:
    known = set(Settings.model_fields)
    variables = {f"{ENV_PREFIX}{name.upper()}" for name in known}
    for variable in sorted(environ):
        spelled = variable.upper()
        if spelled.startswith(ENV_PREFIX) and spelled not in {*variables, *_NO_SETTINGS}:
            raise _problem(f"{variable} is no setting", _did_you_mean(spelled, variables))
    for name in given:
        if name not in known:
            raise _problem(f"{name} is no setting", _did_you_mean(name, known))


def _did_you_mean(word: str, known: set[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    return f"Did you mean {near[0]}?" if near else "`bandpro settings` lists them all."


def _explained(error: ValidationError, given: Mapping[str, object]) -> SettingsError:
    """One line for the first thing that is wrong, saying where it was set."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    variable = f"{ENV_PREFIX}{name.upper()}"
    place = f"--{name.replace('_', '-')}" if name in given else variable
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "should be", 1)
    field = Settings.model_fields.get(name)
    return _problem(
        f"{place}: {said}",
        (field.description or "") if field else "",
    )


def _with_secrets_from_files(settings: Settings) -> Settings:
    read = {}
    for name in ("token_secret", "bus_key", "smtp_password"):
        path = getattr(settings, f"{name}_file")
        if path is None:
            continue
        if getattr(settings, name) is not None:
            raise _problem(f"{name} and {name}_file contradict each other", "Keep one.")
        read[name] = read_secret_file(path, f"{name}_file")
    return settings.model_copy(update=read) if read else settings


def _open_only_on_loopback(settings: Settings) -> None:
    if settings.auth is AuthMode.OPEN and not settings.is_loopback:
        raise _problem(
            f"auth open is refused on {settings.host}: everybody who reaches it would be an owner",
            "Pass --auth token with --token-secret-file or --jwks-url, or --host 127.0.0.1.",
        )


def _open_has_no_keys(settings: Settings) -> None:
    if settings.auth is AuthMode.OPEN and (settings.token_secret or settings.jwks_url):
        raise _problem(
            "a token secret or JWKS is set, but auth is open and would not ask for tokens",
            "Pass --auth token, or drop the secret.",
        )


def _token_has_one_key(settings: Settings) -> None:
    if settings.auth is not AuthMode.TOKEN:
        return
    if settings.token_secret and settings.jwks_url:
        raise _problem("token_secret and jwks_url contradict each other", "Keep one.")
    if settings.token_secret:
        check_secret(settings.token_secret)
    elif not settings.jwks_url:
        raise _problem("auth token needs a token secret or a jwks_url", KEY_HINT)


def _algorithms_fit_the_key(settings: Settings) -> None:
    symmetric = TokenAlgorithm.HS256 in settings.pinned_algorithms
    if settings.jwks_url and symmetric:
        raise _problem("token_algorithms: HS256 cannot be used with a JWKS", "Drop it.")
    if settings.token_secret and settings.pinned_algorithms != (TokenAlgorithm.HS256,):
        raise _problem("token_algorithms: a secret can only be used with HS256", "Drop the rest.")


def _jwks_is_safe(settings: Settings) -> None:
    url = settings.jwks_url
    if url is None:
        return
    if url.scheme != "https" and not is_loopback(url.host or ""):
        raise _problem("jwks_url must be https; http is for loopback only")
    if not (settings.token_issuer and settings.token_audience):
        raise _problem(
            "jwks_url needs token_issuer and token_audience",
            "An identity provider signs tokens for other services too; these two tell them apart.",
        )


def _unsafe_only_on_loopback(settings: Settings) -> None:
    if settings.is_loopback:
        return
    if not settings.rate_limits:
        raise _problem(
            f"rate_limits off is refused on {settings.host}", "It is for load tests on loopback."
        )
    if settings.failpoints:
        raise _problem(f"failpoints are refused on {settings.host}")


def _any_origin_needs_tokens(settings: Settings) -> None:
    if "*" in settings.allowed_origins and settings.auth is AuthMode.OPEN:
        raise _problem(
            "allowed_origins * is refused with auth open: any web page could edit your rooms",
            "Name the origins, or use --auth token.",
        )


def _ports_differ(settings: Settings) -> None:
    if settings.port and settings.port == settings.admin_port:
        raise _problem(f"port and admin_port are both {settings.port}", "Change one.")


def _sizes_nest(settings: Settings) -> None:
    """Relations that the room and the transport rely on, smaller first."""
    for small, large in (
        ("frame_before_auth_bytes_max", "update_bytes_max"),
        ("frame_before_auth_bytes_max", "queue_before_auth_bytes_max"),
        ("awareness_state_bytes_max", "update_bytes_max"),
        ("update_bytes_max", "document_bytes_max"),
        ("update_bytes_max", "outbox_bytes_max"),
        ("update_bytes_max", "pending_updates_bytes_max"),
        ("document_bytes_max", "unsaved_bytes_max"),
        ("document_bytes_max", "bytes_burst"),
        ("connections_per_address_max", "connections_max"),
        ("apply_sender_ms_per_s", "apply_room_ms_per_s"),
        ("messages_per_s", "messages_burst"),
        ("connects_per_s", "connects_burst"),
        ("requests_per_s", "requests_burst"),
    ):
        if getattr(settings, small) > getattr(settings, large):
            raise _problem(
                f"{small} ({getattr(settings, small)}) is above "
                f"{large} ({getattr(settings, large)})",
                f"Raise {large} as well, or lower {small}.",
            )


def _ages_nest(settings: Settings) -> None:
    """Ages of versions, each of which contains the one before."""
    ages_h = {
        "versions_all_hours": settings.versions_all_hours,
        "versions_hourly_hours": settings.versions_hourly_hours,
        "versions_daily_days": settings.versions_daily_days * 24,
        "versions_weekly_days": settings.versions_weekly_days * 24,
    }
    for (small, small_h), (large, large_h) in itertools.pairwise(ages_h.items()):
        if small_h > large_h:
            raise _problem(
                f"{small} reaches back further than {large}", f"Raise {large}, or lower {small}."
            )


def _endpoint_has_a_bucket(settings: Settings) -> None:
    endpoint = settings.blobs_endpoint
    if endpoint is not None and not (settings.blobs or "").startswith("s3:"):
        raise _problem("blobs_endpoint is set, but blobs names no bucket", "Drop one of them.")


def _endpoint_is_safe(settings: Settings) -> None:
    endpoint = settings.blobs_endpoint
    if endpoint is not None and endpoint.scheme != "https" and settings.blobs_is_remote:
        raise _problem(
            "blobs_endpoint must be https beyond this machine",
            "Snapshots would travel in clear. Put TLS before the service.",
        )


def _bus_has_a_key(settings: Settings) -> None:
    if settings.bus.kind is not BusKind.REDIS:
        return
    if settings.bus_key is None:
        raise _problem(
            "bus needs a bus_key: who can write to that Redis could otherwise edit every document",
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))' > bus.key"
            " and pass --bus-key-file bus.key to every node",
        )
    check_secret(settings.bus_key, "bus_key")


def _bus_hides_what_is_encrypted(settings: Settings) -> None:
    if settings.bus.kind is not BusKind.REDIS or settings.encryption == "off":
        return
    url = parse_bus_url(settings.bus.url)
    # Sentinel and Cluster tell by themselves where the servers are.
    if not url.is_tls and (url.kind or not is_loopback(url.hosts[0].host)):
        raise _problem(
            "bus must be rediss beyond this machine where encryption is on",
            "Edits that are encrypted at rest would travel in clear.",
        )


def _bus_has_a_store(settings: Settings) -> None:
    if settings.bus.kind is not BusKind.OFF and settings.store.kind is StoreKind.MEMORY:
        raise _problem(
            "bus is set, but the store is memory, which no other node can see",
            "Use --store sqlite or MongoDB.",
        )


def _workers_hear_each_other(settings: Settings) -> None:
    if settings.workers > 1 and settings.bus.kind is not BusKind.REDIS:
        raise _problem(
            f"workers is {settings.workers}, but without a bus through Redis they would not hear "
            "of each other's edits",
            "Start a Redis, which needs no disk, and pass --bus redis://127.0.0.1 and "
            "--bus-key-file; or --workers 1.",
        )


def _workers_have_names(settings: Settings) -> None:
    if settings.workers > 1 and settings.node:
        chars_max = NODE_ID_CHARS_MAX - len(f"-{settings.workers - 1}")
        if len(settings.node) > chars_max:
            raise _problem(
                f"node has {len(settings.node)} characters, and workers are called that and a "
                "number",
                f"Use a name of at most {chars_max} characters.",
            )


def _memory_keeps_its_blobs(settings: Settings) -> None:
    if settings.blobs and settings.store.kind is StoreKind.MEMORY:
        raise _problem("blobs is set, but the store is memory", "Use --store sqlite or MongoDB.")


def _mail_is_complete(settings: Settings) -> None:
    problem = mail_problem(settings)
    if problem is not None:
        raise _problem(*problem)


RULES: Final[tuple[Callable[[Settings], None], ...]] = (
    _open_only_on_loopback,
    _open_has_no_keys,
    _token_has_one_key,
    _algorithms_fit_the_key,
    _jwks_is_safe,
    _unsafe_only_on_loopback,
    _any_origin_needs_tokens,
    _ports_differ,
    _sizes_nest,
    _ages_nest,
    _endpoint_has_a_bucket,
    _endpoint_is_safe,
    _bus_has_a_key,
    _bus_hides_what_is_encrypted,
    _bus_has_a_store,
    _workers_hear_each_other,
    _workers_have_names,
    _memory_keeps_its_blobs,
    _mail_is_complete,
)
"""What settings must be to each other; each raises SettingsError."""
