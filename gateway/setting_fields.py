"""Every setting, by the group under which `--help` and the documentation show it.

The first docstring line of each class is its group's title. Bounds that concern one setting stand
here, those that concern several in :mod:`gateway.settings`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr

from collab import limits
from gateway.api.terms import NODE_NAME_PATTERN
from gateway.setting_types import (
    NO_BUS,
    SQLITE,
    Algorithms,
    AuthMode,
    BlobsUrl,
    Bus,
    Bytes,
    LogFormat,
    LogLevel,
    Networks,
    OnOff,
    Origins,
    PortOrOff,
    Store,
    TransportKind,
    Words,
)

_PORT_MAX: Final = 65_535
_WORKERS_MAX: Final = 64
_DAY_S: Final = 86_400
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_YEARS_D: Final = 36_525
_YEARS_H: Final = 24 * _YEARS_D


class ServerSettings(BaseModel):
    """Server."""

    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8080, ge=0, le=_PORT_MAX, description="Port to listen on; 0 for a free one.")
    admin_port: PortOrOff = Field(
        8081,
        ge=0,
        le=_PORT_MAX,
        description="Loopback port of /metrics, /healthz and /readyz; 0 for a free one, or off.",
    )
    data: Path = Field(Path("data"), description="Folder of everything that is kept.")
    store: Store = Field(
        SQLITE,
        description="sqlite keeps rooms in the data folder, memory forgets them, mongodb://... or "
        "mongodb+srv://... keeps them in MongoDB, for many nodes. A password in the URL shows in "
        "the process list: better in the environment.",
    )
    demo: OnOff | None = Field(
        None, description="Seed the demo room, once; on in open mode unless told otherwise."
    )
    trusted_proxies: Networks = Field(
        (), description="Networks of proxies whose X-Forwarded-For is believed."
    )
    transport: TransportKind = Field(
        TransportKind.AUTO,
        description="auto serves websockets on their transports, asgi through the web server.",
    )
    failpoints: Words = Field(
        (), description="Faults to inject, for tests.", json_schema_extra={"hidden": True}
    )


class ClusterSettings(BaseModel):
    """Many nodes."""

    workers: int = Field(
        1,
        ge=1,
        le=_WORKERS_MAX,
        description="Processes that serve together on this machine, on one port over one store; "
        "each is a node, so more than 1 need a bus through Redis.",
    )
    bus: Bus = Field(
        NO_BUS,
        description="How nodes that share a store hear of each other: redis://<host>, "
        "redis+sentinel://<host>,<host>/<service>, redis+cluster://<host>,<host>, the same with "
        "rediss for TLS; log to look at the store every 2 seconds; off where there is one node.",
    )
    bus_key: SecretStr | None = Field(
        None,
        description="Secret that nodes sign with on the bus, 32 bytes or more, the same for all. "
        "On the command line it shows in the process list.",
    )
    bus_key_file: Path | None = Field(None, description="File that holds that secret.")
    node: str | None = Field(
        None,
        pattern=NODE_NAME_PATTERN,
        description="Name of this node, unlike those of all others; made up unless given.",
    )
    node_address: AnyHttpUrl | None = Field(
        None,
        description="Where clients reach this very node, for those that ask where a room is at "
        "home; otherwise host and port, unless it listens on all addresses.",
    )
    node_weight: float = Field(
        1.0, ge=0.01, le=100, description="Its share of rooms, beside the weights of the others."
    )


class EncryptionSettings(BaseModel):
    """Encryption at rest."""

    encryption: str = Field(
        "off",
        description="Master key that wraps the documents' keys: file:<path>, env:<NAME>, "
        "kms:<id, ARN or alias>, or off.",
    )
    encryption_old_keys: Words = Field(
        (), description="Earlier master keys, spelled alike, until `bandpro keys rotate` is done."
    )


class AccessSettings(BaseModel):
    """Who gets in."""

    auth: AuthMode = Field(
        AuthMode.OPEN, description="open lets everybody in (loopback only), token asks for a JWT."
    )
    token_secret: SecretStr | None = Field(
        None,
        description="HS256 secret, 32 bytes or more. On the command line it shows in the process "
        "list: better in the environment or in a file.",
    )
    token_secret_file: Path | None = Field(None, description="File that holds the HS256 secret.")
    jwks_url: AnyHttpUrl | None = Field(
        None, description="Where the public keys of the identity provider are; instead of a secret."
    )
    token_algorithms: Algorithms = Field(
        (), description="Accepted signatures; HS256 with a secret, RS256,ES256,EdDSA with a JWKS."
    )
    token_issuer: str | None = Field(None, description="The `iss` that tokens must have.")
    token_audience: str | None = Field(None, description="The `aud` that tokens must have.")
    token_leeway_s: int = Field(
        10, ge=0, le=30, description="Seconds by which clocks of issuer and server may differ."
    )
    token_lifetime_s_max: int = Field(
        7 * _DAY_S, ge=60, le=366 * _DAY_S, description="Longest life of a token, from iat to exp."
    )
    allowed_origins: Origins = Field(
        (), description="Web origins that may connect besides the server's own, as scheme://host."
    )


class TimeSettings(BaseModel):
    """Times."""

    auth_timeout_ms: int = Field(
        10_000, ge=100, le=120_000, description="How long a Hocuspocus client may take to sign in."
    )
    heartbeat_ms: int = Field(
        10_000, ge=100, le=25_000, description="Pause between heartbeats to clients; below 30 s."
    )
    idle_timeout_ms: int = Field(
        60_000,
        ge=1_000,
        le=_HOUR_MS,
        description="A websocket is pinged at half of it, and closed with 1011 when no answer came "
        "in the other half; a Hocuspocus socket without a document is closed with 4508.",
    )
    unload_after_ms: int = Field(
        30_000, ge=0, le=_HOUR_MS, description="How long an empty room stays in memory."
    )
    drain_timeout_ms: int = Field(
        8_000, ge=100, le=120_000, description="Longest orderly shutdown, from SIGTERM to exit."
    )
    append_attempts_max: int = Field(
        5, ge=1, le=100, description="Attempts to store an update before its room is discarded."
    )
    append_retry_ms_max: int = Field(
        5_000, ge=0, le=60_000, description="Time over which those attempts are spread."
    )
    commit_interval_ms: int = Field(
        20,
        ge=0,
        le=1_000,
        description="A busy node's commits are so far apart; the first after a rest goes at once.",
    )


class ApplySettings(BaseModel):
    """Processor time for large updates."""

    apply_burst_ms: int = Field(
        limits.APPLY_BURST_MS,
        ge=1,
        le=60_000,
        description="Processor time that large updates of one sender, or of one room, may take at "
        "once.",
    )
    apply_sender_ms_per_s: int = Field(
        limits.APPLY_SENDER_MS_PER_S,
        ge=1,
        le=1_000,
        description="Processor time they may take in each second beyond that, for each sender.",
    )
    apply_room_ms_per_s: int = Field(
        limits.APPLY_ROOM_MS_PER_S, ge=1, le=1_000, description="The same for each room."
    )
    apply_held_ms_max: int = Field(
        limits.APPLY_HELD_MS_MAX,
        ge=0,
        le=_HOUR_MS,
        description="How long a sender may be held back for that in all without a pause in which "
        "its budget fills; its next large update then ends the connection with 4529.",
    )


class RateSettings(BaseModel):
    """Rates and numbers of connections."""

    rate_limits: OnOff = Field(
        default=True,
        description="off lifts the rates and the connections per address (loopback only).",
    )
    messages_per_s: int = Field(200, ge=1, description="Messages a connection may send, sustained.")
    messages_burst: int = Field(2_000, ge=1, description="Messages it may send at once.")
    bytes_per_s: Bytes = Field(2 * limits.MIB, ge=1, description="Bytes it may send, sustained.")
    bytes_burst: Bytes = Field(40 * limits.MIB, ge=1, description="Bytes it may send at once.")
    connects_per_s: int = Field(20, ge=1, description="New connections from one address.")
    connects_burst: int = Field(200, ge=1, description="New connections at once from one address.")
    requests_per_s: int = Field(50, ge=1, description="HTTP API requests from one address.")
    requests_burst: int = Field(200, ge=1, description="HTTP API requests at once.")
    connections_max: int = Field(10_000, ge=1, description="Connections to this node.")
    connections_per_address_max: int = Field(500, ge=1, description="Connections from one address.")
    documents_per_socket_max: int = Field(
        256, ge=1, le=65_536, description="Documents on one Hocuspocus connection."
    )
    loads_at_once_max: int = Field(
        limits.LOADS_AT_ONCE_MAX, ge=1, description="Rooms read from the store at the same time."
    )
    sessions_per_room_max: int = Field(
        limits.SESSIONS_PER_ROOM_MAX, ge=1, description="Sessions in one room."
    )


class SizeSettings(BaseModel):
    """Sizes."""

    update_bytes_max: Bytes = Field(limits.UPDATE_BYTES_MAX, ge=1024, description="One update.")
    document_bytes_max: Bytes = Field(
        limits.DOCUMENT_BYTES_MAX, ge=1024, description="One document, and one step 2."
    )
    frame_before_auth_bytes_max: Bytes = Field(
        limits.FRAME_BEFORE_AUTH_BYTES_MAX,
        ge=limits.TOKEN_BYTES_MAX,
        description="One frame of a client that has not signed in yet.",
    )
    queue_before_auth_bytes_max: Bytes = Field(
        64 * limits.KIB, ge=1024, description="What is kept for a document until its sign-in."
    )
    queue_before_auth_messages_max: int = Field(
        32, ge=3, description="Messages kept for a document until its sign-in."
    )
    outbox_bytes_max: Bytes = Field(
        limits.OUTBOX_BYTES_MAX,
        ge=1024,
        description="Unread bytes after which a slow client is resynchronised instead.",
    )
    join_bytes_in_flight_max: Bytes = Field(
        limits.JOIN_BYTES_IN_FLIGHT_MAX,
        ge=64 * limits.KIB,
        description="Large documents on their way to newcomers at the same time, on the node.",
    )
    unsaved_bytes_max: Bytes = Field(
        limits.UNSAVED_BYTES_MAX, ge=1024, description="Updates of a room waiting for the store."
    )
    pending_updates_bytes_max: Bytes = Field(
        limits.PENDING_UPDATES_BYTES_MAX,
        ge=1024,
        description="Updates of a room that wait for others they build on.",
    )
    awareness_state_bytes_max: Bytes = Field(
        limits.AWARENESS_STATE_BYTES_MAX,
        ge=256,
        le=limits.AWARENESS_STATE_BYTES_MAX,  # what the codec takes
        description="One awareness state; 16KiB at most.",
    )
    awareness_clients_per_session_max: int = Field(
        limits.AWARENESS_CLIENTS_PER_SESSION_MAX, ge=1, description="Client ids of one session."
    )
    compaction_tail_updates: int = Field(
        limits.COMPACTION_TAIL_UPDATES, ge=1, description="Updates after which a log is compacted."
    )
    compaction_tail_bytes: Bytes = Field(
        limits.COMPACTION_TAIL_BYTES, ge=1024, description="Bytes after which a log is compacted."
    )
    compaction_tail_age_s: int = Field(
        limits.COMPACTION_TAIL_AGE_S,
        ge=60,
        description="Age at which what was added to a log is compacted, if it is 20 updates or "
        "more; also in rooms that nobody has open.",
    )


class VersionSettings(BaseModel):
    """Versions."""

    automatic_versions: OnOff = Field(
        default=True, description="Whether versions are made by activity, besides named ones."
    )
    version_interval_ms: int = Field(
        600_000, ge=0, le=_DAY_MS, description="Pause between automatic versions of a busy room."
    )
    version_edits: int = Field(
        50,
        ge=1,
        description="Edits after which a room counts as busy; fewer wait six times that pause, or "
        "until everybody has left.",
    )
    versions_all_hours: int = Field(
        1, ge=1, le=_YEARS_H, description="Age up to which all automatic versions are kept."
    )
    versions_hourly_hours: int = Field(
        24, ge=1, le=_YEARS_H, description="Age up to which the last one of each hour is kept."
    )
    versions_daily_days: int = Field(
        30, ge=1, le=_YEARS_D, description="Age up to which the last one of each day is kept."
    )
    versions_weekly_days: int = Field(
        365, ge=1, le=_YEARS_D, description="Age up to which the last one of each week is kept."
    )


class MongoSettings(BaseModel):
    """MongoDB."""

    mongodb_operation_timeout_ms: int = Field(
        5_000,
        ge=100,
        le=120_000,
        description="Longest call of the store, with all that is tried again in it; sent on to "
        "MongoDB as maxTimeMS.",
    )
    mongodb_selection_timeout_ms: int = Field(
        4_000, ge=100, le=120_000, description="How long a primary is looked for."
    )
    mongodb_socket_timeout_ms: int = Field(
        4_000,
        ge=100,
        le=120_000,
        description="How long a connection to MongoDB, or an answer on it, is waited for.",
    )
    mongodb_connections_max: int = Field(
        64, ge=2, le=10_000, description="Connections to each member of the replica set."
    )


class BlobSettings(BaseModel):
    """Whole files: snapshots, versions."""

    blobs: BlobsUrl | None = Field(
        None,
        description="Where they are kept: file: (the folder blobs beside the database), "
        "file:<folder> or s3://<bucket>/<prefix>; otherwise with the store: in that folder for "
        "sqlite, in the database for MongoDB.",
    )
    blobs_endpoint: AnyHttpUrl | None = Field(
        None, description="URL of an S3 service other than Amazon's."
    )
    blobs_region: str | None = Field(
        None, description="The bucket's region; otherwise what AWS_DEFAULT_REGION says."
    )
    blobs_path_style: OnOff = Field(
        False,  # noqa: FBT003 - the default of a switch
        description="The bucket's name in the path instead of the host, as many services want it.",
    )
    blobs_tags: OnOff = Field(
        True,  # noqa: FBT003 - the default of a switch
        description="Tag objects with their kind, for lifecycle rules; off for services without.",
    )
    blobs_timeout_ms: int = Field(
        10_000, ge=100, le=120_000, description="How long an answer of the bucket is waited for."
    )
    blobs_operation_timeout_ms: int = Field(
        30_000,
        ge=100,
        le=600_000,
        description="Longest call, with all that is tried again in it; more for large files.",
    )
    collect_orphans: OnOff = Field(
        default=True, description="Whether files that nothing names are deleted once they are old."
    )
    orphan_age_hours: int = Field(
        24,
        ge=limits.ORPHAN_AGE_S_MIN // 3600,
        le=_YEARS_H,
        description="How old they must be for that.",
    )
    orphan_round_s: int = Field(
        21_600, ge=1, le=_DAY_S, description="How often they are looked for, by one node of all."
    )


class LogSettings(BaseModel):
    """Logs."""

    log_format: LogFormat = Field(
        LogFormat.AUTO, description="json, pretty, or auto: pretty on a terminal."
    )
    log_level: LogLevel = Field(LogLevel.INFO, description="Least severe events that are written.")
