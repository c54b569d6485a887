"""Settings: where they come from, and which combinations are refused with what advice."""

import os
from pathlib import Path

import pytest

from collab.errors import SettingsError
from gateway.options import setting_names, shown
from gateway.setting_types import AuthMode, BusKind, StoreKind, TokenAlgorithm, is_loopback
from gateway.settings import Settings, load_settings
from tests.support.tokens import SECRET

JWKS = {
    "auth": "token",
    "jwks_url": "https://id.example/jwks.json",
    "token_issuer": "https://id.example",
    "token_audience": "bandpro",
}

MAIL = {
    "smtp_host": "mail.example",
    "smtp_from": "BandPro <noreply@bandpro.example>",
    "public_url": "https://bandpro.example",
}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a developer's shell, or this test run, sets is none of these tests' business."""
    for name in list(os.environ):
        if name.startswith("BANDPRO_"):
            monkeypatch.delenv(name)


def refused(options: dict[str, object] | None = None) -> tuple[str, str]:
    """The error's line and its hints."""
    with pytest.raises(SettingsError) as caught:
        load_settings(options)
    assert "\n" not in str(caught.value)
    return str(caught.value), " ".join(getattr(caught.value, "__notes__", ()))


def test_the_defaults_are_those_of_the_documentation() -> None:
    """Loopback, port 8080, metrics on 8081, SQLite under ./data, open, with the demo."""
    settings = load_settings()
    assert (settings.host, settings.port, settings.admin_port) == ("127.0.0.1", 8080, 8081)
    assert (settings.data, settings.store.kind) == (Path("data"), StoreKind.SQLITE)
    assert settings.auth is AuthMode.OPEN
    assert settings.seeds_demo
    assert settings.rate_limits
    assert settings.update_bytes_max == 1_048_576
    assert settings.document_bytes_max == 33_554_432
    assert settings.frame_before_auth_bytes_max == 8_192
    assert settings.token_leeway_s <= 30
    assert settings.heartbeat_ms == 10_000
    assert settings.drain_timeout_ms < 10_000


def test_every_setting_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPS-7: BANDPRO_ and the name; spellings for people are understood."""
    for name, text in {
        "PORT": "9000",
        "ADMIN_PORT": "off",
        "RATE_LIMITS": "off",
        "DEMO": "off",
        "UPDATE_BYTES_MAX": "512KiB",
        "ALLOWED_ORIGINS": "https://A.example, http://b.example:81",
        "TRUSTED_PROXIES": "10.0.0.0/8,::1",
        "STORE": "memory",
    }.items():
        monkeypatch.setenv(f"BANDPRO_{name}", text)
    settings = load_settings()
    assert (settings.port, settings.admin_port) == (9000, None)
    assert not settings.rate_limits
    assert not settings.seeds_demo
    assert settings.update_bytes_max == 524_288
    assert settings.allowed_origins == ("https://a.example", "http://b.example:81")
    assert [str(network) for network in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]
    assert settings.store.kind is StoreKind.MEMORY


def test_an_option_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPS-7: And one that was not given does not."""
    monkeypatch.setenv("BANDPRO_PORT", "9000")
    assert load_settings({"port": "9001", "host": None}).port == 9001
    assert load_settings({"port": None}).port == 9000


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As container files have them."""
    monkeypatch.setenv("BANDPRO_PORT", "")
    assert load_settings().port == 8080


def test_an_unknown_variable_is_an_error_with_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    """OPS-6: A misspelt limit must not be no limit."""
    monkeypatch.setenv("BANDPRO_RATE_LIMIT", "off")
    line, hint = refused()
    assert line == "BANDPRO_RATE_LIMIT is no setting"
    assert "BANDPRO_RATE_LIMITS" in hint


def test_an_unknown_option_is_an_error_with_a_guess() -> None:
    """Also for programs that pass options on."""
    line, hint = refused({"prot": "1"})
    assert line == "prot is no setting"
    assert "port" in hint


def test_other_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those with the prefix are read."""
    monkeypatch.setenv("PORT", "1")
    monkeypatch.setenv("BANDPROX_PORT", "1")
    monkeypatch.setenv("BANDPRO_CLI_TOKEN", "x")
    assert load_settings().port == 8080


def test_settings_cannot_be_changed() -> None:
    """Read once."""
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1  # type: ignore[misc] # that is what is tested


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"port": "x"}, "--port: should be a valid integer"),
        ({"port": "65536"}, "--port: should be less than or equal to 65535"),
        ({"port": "-1"}, "--port: should be greater than or equal to 0"),
        ({"auth": "closed"}, "--auth: should be 'open' or 'token'"),
        ({"rate_limits": "maybe"}, "--rate-limits: should be on or off"),
        ({"heartbeat_ms": "30000"}, "--heartbeat-ms: should be less than or equal to 25000"),
        ({"token_leeway_s": "31"}, "--token-leeway-s: should be less than or equal to 30"),
        ({"update_bytes_max": "lots"}, "--update-bytes-max:"),
        ({"allowed_origins": "app.example"}, "is no origin"),
        ({"allowed_origins": "https://app.example/path"}, "is no origin"),
        ({"trusted_proxies": "everybody"}, "--trusted-proxies:"),
        ({"token_algorithms": "none"}, "--token-algorithms:"),
        ({"jwks_url": "not a url"}, "--jwks-url:"),
        ({"host": ""}, "--host:"),
    ],
)
def test_a_bad_value_is_named_by_its_option(options: dict[str, object], said: str) -> None:
    """One line, with the setting's description as the hint."""
    line, hint = refused(options)
    assert said in line
    assert hint


def test_a_bad_value_from_the_environment_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So that one finds where it was set."""
    monkeypatch.setenv("BANDPRO_PORT", "x")
    assert refused()[0].startswith("BANDPRO_PORT: ")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "collab.example", "127.0.0.1.x"])
def test_open_is_refused_where_others_can_reach_it(host: str) -> None:
    """AUTH-11: Everybody would be an owner."""
    line, hint = refused({"host": host})
    assert "auth open is refused" in line
    assert "--auth token" in hint


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
def test_open_is_allowed_on_loopback(host: str) -> None:
    """In each of its spellings."""
    assert is_loopback(host)
    assert load_settings({"host": host}).auth is AuthMode.OPEN


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"auth": "token"}, "needs a token secret or a jwks_url"),
        ({"auth": "token", "token_secret": "x" * 31}, "too weak: 31 bytes"),
        ({"auth": "token", "token_secret": "é" * 15}, "too weak: 30 bytes"),
        ({"token_secret": SECRET}, "auth is open and would not ask"),
        (JWKS | {"token_secret": SECRET}, "contradict each other"),
        (JWKS | {"auth": "open"}, "auth is open and would not ask"),
        (JWKS | {"jwks_url": "http://id.example/jwks.json"}, "must be https"),
        (JWKS | {"token_audience": None}, "needs token_issuer and token_audience"),
        (JWKS | {"token_algorithms": "RS256,HS256"}, "HS256 cannot be used with a JWKS"),
        (
            {"auth": "token", "token_secret": SECRET, "token_algorithms": "RS256"},
            "can only be used with HS256",
        ),
        (
            {"auth": "token", "token_secret": SECRET, "token_secret_file": "x"},
            "contradict each other",
        ),
        (
            {"auth": "token", "token_secret": SECRET, "host": "::", "rate_limits": "off"},
            "rate_limits off is refused",
        ),
        (
            {"auth": "token", "token_secret": SECRET, "host": "::", "failpoints": "x"},
            "failpoints are refused",
        ),
        ({"allowed_origins": "*"}, "allowed_origins * is refused with auth open"),
        ({"port": "9000", "admin_port": "9000"}, "both 9000"),
        ({"update_bytes_max": "64MiB"}, "above document_bytes_max"),
        ({"document_bytes_max": "128MiB"}, "above unsaved_bytes_max"),
        ({"smtp_host": "mail.example"}, "needs smtp_from and public_url"),
        ({"smtp_from": "a\r\nBcc: b"}, "should be like BandPro <bandpro@example.org>"),
        (MAIL | {"public_url": "http://bandpro.example"}, "must be https"),
        (MAIL | {"smtp_user": "u"}, "need each other"),
        (MAIL | {"smtp_user": "u", "smtp_password": "p", "smtp_tls": "off"}, "off is refused"),
    ],
)
def test_contradictions_are_refused(options: dict[str, object], said: str) -> None:
    """AUTH-11, OPS-6: With one line that says which."""
    assert said in refused(options)[0]


def test_a_secret_of_32_bytes_is_enough() -> None:
    """Bytes, not characters."""
    for secret in ("x" * 32, "é" * 16):
        loaded = load_settings({"auth": "token", "token_secret": secret})
        assert loaded.pinned_algorithms == (TokenAlgorithm.HS256,)


def test_a_jwks_pins_public_key_algorithms() -> None:
    """All three unless fewer are named; on loopback http will do."""
    assert load_settings(JWKS).pinned_algorithms == ("RS256", "ES256", "EdDSA")
    fewer = load_settings(
        JWKS | {"token_algorithms": "ES256", "jwks_url": "http://127.0.0.1:1/jwks"}
    )
    assert fewer.pinned_algorithms == ("ES256",)


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    """The line's end does not count."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    settings = load_settings({"auth": "token", "token_secret_file": str(file)})
    assert settings.token_secret is not None
    assert settings.token_secret.get_secret_value() == SECRET


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """With the system's reason."""
    missing = str(tmp_path / "missing")
    line, _ = refused({"auth": "token", "token_secret_file": missing})
    assert missing in line
    assert "No such file" in line
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    line, _ = refused({"auth": "token", "token_secret_file": str(tmp_path / "binary")})
    assert "not text" in line


def test_secrets_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the settings' own text nor in errors about them."""
    settings = load_settings({"auth": "token", "token_secret": SECRET})
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json()
    monkeypatch.setenv("BANDPRO_TOKEN_SECRET", "hunter2")
    assert "hunter2" not in " ".join(refused({"auth": "token"}))


def test_every_setting_is_in_a_group_and_described() -> None:
    """`--help` and the documentation show all but the hidden ones, each once."""
    named = [name for _, names in setting_names() for name in names]
    assert sorted([*named, "failpoints"]) == sorted(Settings.model_fields)
    assert all(Settings.model_fields[name].description for name in named)


def test_a_sender_gets_no_more_of_the_processor_than_its_room() -> None:
    """LIM-22: Equal is the edge."""
    options: dict[str, object] = {"apply_sender_ms_per_s": 300, "apply_room_ms_per_s": 300}
    assert load_settings(options).apply_sender_ms_per_s == 300
    line, _ = refused({"apply_sender_ms_per_s": 301, "apply_room_ms_per_s": 300})
    assert "apply_sender_ms_per_s (301) is above apply_room_ms_per_s (300)" in line


def test_a_state_may_not_be_larger_than_the_codec_takes() -> None:
    """AWR-6: A setting that would promise more is refused at the start."""
    assert load_settings({"awareness_state_bytes_max": "16KiB"}).awareness_state_bytes_max == 16_384
    line, _ = refused({"awareness_state_bytes_max": 16_385})
    assert "less than or equal to 16384" in line


def test_a_mongodb_url_is_a_store_and_its_password_is_never_shown() -> None:
    """STO-24."""
    url = "mongodb://band:s3cr3t@db1,db2/scores?authSource=admin"
    settings = load_settings({"store": url})
    assert (settings.store.kind, settings.store.url) == (StoreKind.MONGODB, url)
    assert str(settings.store) == "mongodb://***@db1,db2/scores"
    assert "s3cr3t" not in repr(settings) + shown(settings.store)


@pytest.mark.parametrize("spelled", ["mongo", "postgres://band:s3cr3t@db/x", "mongodb:/x"])
def test_a_store_that_nobody_knows_is_refused_without_its_password(spelled: str) -> None:
    line, _ = refused({"store": spelled})
    assert line.startswith("--store: ")
    assert "s3cr3t" not in line


@pytest.mark.parametrize(
    ("options", "line", "hint"),
    [
        ({"blobs": "s3://key:secret@b/x"}, "without credentials", ""),
        ({"blobs": "ftp://b"}, "should be file:", ""),
        ({"blobs_endpoint": "https://s3.example"}, "blobs names no bucket", "Drop one"),
        (
            {"blobs": "s3://band/x", "blobs_endpoint": "http://s3.example"},
            "must be https beyond this machine",
            "in clear",
        ),
        ({"blobs": "s3://band/x", "store": "memory"}, "the store is memory", "--store sqlite"),
    ],
)
def test_place_for_blobs_that_cannot_be_used_is_refused(
    options: dict[str, object], line: str, hint: str
) -> None:
    """OPS-6."""
    told, advice = refused(options)
    assert line in told
    assert hint in advice
    assert "secret" not in told + advice
    good = {"blobs": "s3://band/scores", "blobs_endpoint": "http://127.0.0.1:9000"}
    assert load_settings(good).blobs == "s3://band/scores"


def test_workers_need_a_bus_that_all_of_them_hear() -> None:
    """PROC-2: neither without one nor with the log alone; the hint says what to start."""
    for bus in ("off", "log"):
        line, advice = refused({"workers": "2", "bus": bus})
        assert "workers is 2" in line
        assert "--bus redis://" in advice
    assert load_settings({"workers": "1"}).workers == 1
    bus_options = {"bus": "redis://127.0.0.1", "bus_key": "k" * 32}
    assert load_settings({"workers": "2", **bus_options}).workers == 2


def test_name_of_a_node_leaves_room_for_the_numbers_of_its_workers() -> None:
    """PROC-2: workers are <node>-0 to <node>-10 here, and names have at most 64 characters."""
    bus_options = {"bus": "redis://127.0.0.1", "bus_key": "k" * 32, "workers": "11"}
    line, advice = refused({**bus_options, "node": "n" * 62})
    assert "62 characters" in line
    assert "61" in advice
    assert load_settings({**bus_options, "node": "n" * 61}).node == "n" * 61
    assert load_settings({"node": "n" * 64}).node == "n" * 64


def test_a_bus_on_redis_has_a_key(tmp_path: Path) -> None:
    """BUS-10: on a loopback address too."""
    bus: dict[str, object] = {"bus": "redis://127.0.0.1"}
    line, advice = refused(bus)
    assert "bus needs a bus_key" in line
    assert "--bus-key-file" in advice
    assert "bus_key is too weak" in refused(bus | {"bus_key": "short"})[0]
    file = tmp_path / "bus.key"
    file.write_text(f"{SECRET}\n")
    settings = load_settings(bus | {"bus_key_file": str(file)})
    assert settings.bus_key is not None
    assert settings.bus_key.get_secret_value() == SECRET
    assert "contradict" in refused(bus | {"bus_key": SECRET, "bus_key_file": str(file)})[0]
    assert load_settings({"bus": "log"}).bus.kind is BusKind.LOG


@pytest.mark.parametrize("url", ["redis://r", "redis+sentinel://127.0.0.1/s"])
def test_what_is_encrypted_at_rest_does_not_travel_in_clear(url: str) -> None:
    """BUS-10."""
    given: dict[str, object] = {"bus_key": SECRET, "encryption": "env:MASTER"}
    assert "must be rediss" in refused(given | {"bus": url})[0]
    load_settings(given | {"bus": url.replace("redis", "rediss", 1)})
    load_settings(given | {"bus": "redis://127.0.0.1"})
    load_settings(given | {"bus": url, "encryption": "off"})


def test_a_bus_wants_a_store_that_others_see() -> None:
    """BUS-10."""
    assert "no other node can see" in refused({"bus": "log", "store": "memory"})[0]


def test_no_bus_shows_its_password() -> None:
    """BUS-10."""
    secret = "geheim"
    for url in (f"redis://u:{secret}@r", f"rediss://:{secret}@r:1/0?x={secret}"):
        settings = load_settings({"bus": url, "bus_key": SECRET})
        assert secret not in f"{settings!r} {settings.bus}"
    assert secret not in refused({"bus": f"rdis://:{secret}@r"})[0]
