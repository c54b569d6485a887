"""Encryption at rest over the stores: what is found in their files, and what keys can do."""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiobotocore.session import get_session
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from collab.errors import (
    DataKeyDestroyed,
    DecryptionFailed,
    EpochMoved,
    MasterKeyMissing,
    SettingsError,
    StoreUnavailable,
)
from collab.ids import FIRST_EPOCH, NO_ROOM, Epoch, RecordId, RoomKey, Sequence
from collab.ports import Record, RecordKind
from persistence.blob_keys import blob_key
from persistence.build import KeySettings, Stores, StoreSettings, open_stores
from persistence.compaction import compact
from persistence.encryption.data_keys import CACHE_KEYS_MAX, CACHE_S, DataKeys, key_record_id
from persistence.encryption.envelope import OVERHEAD_BYTES, place_of, seal, unseal
from persistence.encryption.key_ring import KeyRing
from persistence.encryption.master_keys import LocalKey
from persistence.encryption.rotation import key_status, rotate
from persistence.loading import load_room
from persistence.memory import MemoryStore
from tests.contract.conftest import NAME, OTHER, ROOM
from tests.contract.edits import merge_here, text_of, typed
from tests.support.kms import kms
from tests.support.stored import legible

SECRET = b"Sonate in B, D 960"
BLOB = blob_key("rooms", ROOM, "1", "versions", "v1")
OF_A_JOB = blob_key("exports", "a-1.pdf")
VERSION = RecordId("v1")


def key_file(folder: Path, name: str = "master.key") -> str:
    file = folder / name
    if not file.exists():
        file.write_text(base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
        file.chmod(0o600)
    return f"file:{file}"


def settings_of(folder: Path, current: str = "off", *old: str) -> StoreSettings:
    return StoreSettings("sqlite:", folder / "data", encryption=KeySettings(current, old))


async def write_everywhere(stores: Stores, epoch: Epoch = FIRST_EPOCH) -> None:
    """The secret in a row, a snapshot, a version's record and a room's blob."""
    head = await stores.log.head(ROOM)
    head = await stores.log.append(ROOM, epoch=epoch, after=head, updates=[SECRET, SECRET * 3])
    await stores.snapshots.put(ROOM, epoch=epoch, sequence=head, update=b"to " + SECRET)
    await stores.records.compare_and_set(RecordKind.VERSION, ROOM, Record(VERSION, 0, SECRET))
    await stores.blobs.create(BLOB, SECRET)


async def read_everywhere(stores: Stores) -> list[bytes]:
    tail = await stores.log.read(ROOM, after=Sequence(0))
    snapshots = [await stores.snapshots.get(ROOM, ref) for ref in await stores.snapshots.list(ROOM)]
    record = await stores.records.get(RecordKind.VERSION, ROOM, VERSION)
    listed = await stores.records.list(RecordKind.VERSION, ROOM, after=None, limit=9)
    blob = await stores.blobs.read(BLOB)
    assert record is not None
    assert listed == (record,)
    assert blob is not None
    assert None not in snapshots
    rows = [row.update for row in tail.rows]
    return [*rows, *(each for each in snapshots if each), record.value, blob.data]


def found_in_files(folder: Path, needle: bytes) -> list[str]:
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and needle in legible(path.read_bytes())
    ]


@pytest.fixture
async def sealed(tmp_path: Path) -> AsyncIterator[Stores]:
    async with await open_stores(settings_of(tmp_path, key_file(tmp_path))) as stores:
        yield stores


async def test_nothing_of_a_document_is_found_in_the_files_of_an_encrypted_store(
    tmp_path: Path,
) -> None:
    """KEY-1."""
    plain, secret = settings_of(tmp_path / "plain"), tmp_path / "sealed"
    secret.mkdir()
    async with await open_stores(plain) as stores:
        await write_everywhere(stores)
        assert found_in_files(plain.data_folder, SECRET), "the search finds what is there"
    settings = settings_of(secret, key_file(tmp_path))
    async with await open_stores(settings) as stores:
        await write_everywhere(stores)
        await stores.blobs.create(OF_A_JOB, SECRET)
        assert found_in_files(settings.data_folder, SECRET) == []
    assert found_in_files(settings.data_folder, SECRET) == []
    async with await open_stores(settings) as stores:
        expected = [SECRET, SECRET * 3, b"to " + SECRET, SECRET, SECRET]
        assert await read_everywhere(stores) == expected
        of_a_job = await stores.blobs.read(OF_A_JOB)
        assert of_a_job is not None
        assert of_a_job.data == SECRET


async def test_compaction_and_loading_work_on_sealed_rows(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, key_file(tmp_path))
    updates = typed(["la ", "mer ", "est ", "belle"])
    async with await open_stores(settings) as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=updates)
        outcome = await compact(stores, NAME, merge_here)
        assert outcome.rows_merged == 4
    async with await open_stores(settings) as stores:
        loaded = await load_room(stores, NAME)
        assert (len(loaded.updates), text_of(loaded.updates)) == (1, "la mer est belle")


async def test_plain_rows_stay_readable_when_encryption_is_switched_on_and_compaction_seals_them(
    tmp_path: Path,
) -> None:
    """KEY-2."""
    updates = typed(["plain ", "sealed"])
    async with await open_stores(settings_of(tmp_path)) as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=updates[:1])
    async with await open_stores(settings_of(tmp_path, key_file(tmp_path))) as stores:
        await stores.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(1), updates=updates[1:])
        assert text_of((await load_room(stores, NAME)).updates) == "plain sealed"
        beneath = await stores.raw.log.read(ROOM, after=Sequence(0))
        assert [row.update == raw for row, raw in zip(beneath.rows, updates, strict=True)] == [
            True,
            False,
        ]
        outcome = await compact(stores, NAME, merge_here)
        assert outcome.snapshot is not None
        stored = await stores.raw.snapshots.get(ROOM, outcome.snapshot)
        assert stored is not None
        assert b"plain" not in stored
        assert text_of((await load_room(stores, NAME)).updates) == "plain sealed"


async def test_a_store_in_use_of_a_key_is_not_opened_without_it(tmp_path: Path) -> None:
    """KEY-3: Nothing is taken for an empty room, and nothing is written."""
    key = key_file(tmp_path)
    async with await open_stores(settings_of(tmp_path, key)) as stores:
        await write_everywhere(stores)
    database = tmp_path / "data/bandpro.sqlite3"
    before = database.read_bytes()
    for settings in (settings_of(tmp_path), settings_of(tmp_path, key_file(tmp_path, "other"))):
        with pytest.raises(MasterKeyMissing, match=r"under master key [0-9a-f]{16}, not at hand"):
            await open_stores(settings)
    assert database.read_bytes() == before
    (tmp_path / "master.key").unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        await open_stores(settings_of(tmp_path, key))
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    "text", ["", "short", "00" * 31, "zz" * 32, base64.b64encode(b"x" * 31).decode()]
)
async def test_what_is_no_master_key_is_refused_without_being_repeated(
    tmp_path: Path, text: str
) -> None:
    """KEY-3."""
    (tmp_path / "bad.key").write_text(text)
    with pytest.raises(SettingsError, match="holds no master key") as caught:
        await open_stores(settings_of(tmp_path, f"file:{tmp_path / 'bad.key'}"))
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("spelling", ["on", "file:", "env:", "c2VjcmV0", "aws:key"])
async def test_a_key_that_is_named_wrongly_is_not_repeated(tmp_path: Path, spelling: str) -> None:
    with pytest.raises(SettingsError, match="a master key is named off") as caught:
        await open_stores(settings_of(tmp_path, spelling))
    assert "c2VjcmV0" not in str(caught.value)


async def test_key_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCORES_KEY", secrets.token_hex(32))
    settings = settings_of(tmp_path, "env:SCORES_KEY")
    async with await open_stores(settings) as stores:
        await write_everywhere(stores)
    async with await open_stores(settings) as stores:
        assert SECRET in await read_everywhere(stores)
    monkeypatch.delenv("SCORES_KEY")
    with pytest.raises(SettingsError, match="SCORES_KEY is not set"):
        await open_stores(settings)


async def test_rotation_wraps_keys_anew_and_leaves_documents_as_they_are(tmp_path: Path) -> None:
    """KEY-4."""
    old, new = key_file(tmp_path, "old"), key_file(tmp_path, "new")
    async with await open_stores(settings_of(tmp_path, old)) as stores:
        await write_everywhere(stores)
        await stores.log.append(OTHER, epoch=FIRST_EPOCH, after=Sequence(0), updates=[SECRET])
        sealed_rows = (await stores.raw.log.read(ROOM, after=Sequence(0))).rows
    async with await open_stores(settings_of(tmp_path, new, old)) as stores:
        assert SECRET in await read_everywhere(stores), "the old one serves until it is done"
        assert stores.data_keys is not None
        status = await key_status(stores.raw.records, stores.data_keys)
        assert [(each.is_current, each.data_keys) for each in status] == [(True, 0), (False, 2)]
        assert await rotate(stores.raw.records, stores.data_keys) == 2
        assert await rotate(stores.raw.records, stores.data_keys) == 0
        assert (await stores.raw.log.read(ROOM, after=Sequence(0))).rows == sealed_rows
    async with await open_stores(settings_of(tmp_path, new)) as stores:
        assert SECRET in await read_everywhere(stores)
        assert stores.data_keys is not None
        status = await key_status(stores.raw.records, stores.data_keys)
        assert [(each.is_current, each.data_keys) for each in status] == [(True, 2)]
    with pytest.raises(MasterKeyMissing):
        await open_stores(settings_of(tmp_path, old))


async def test_a_rotation_that_was_interrupted_goes_on_where_it_was(tmp_path: Path) -> None:
    """KEY-4."""
    old, new = LocalKey(secrets.token_bytes(32)), LocalKey(secrets.token_bytes(32))
    records = MemoryStore().records
    before = DataKeys(records, KeyRing.of(old))
    rooms = [RoomKey(f"{number:064x}") for number in range(1, 6)]
    place = place_of(ROOM, FIRST_EPOCH, "row", 1)
    stored = [
        seal(await before.for_writing(room, FIRST_EPOCH), FIRST_EPOCH, place, SECRET)
        for room in rooms
    ]

    class Interrupted(LocalKey):
        wraps = 0

        async def wrap(self, data_key: bytes, place: str) -> bytes:
            self.wraps += 1
            if self.wraps > 2:
                raise StoreUnavailable("the power went out")
            return await new.wrap(data_key, place)

        @property
        def key_id(self) -> str:
            return new.key_id

    with pytest.raises(StoreUnavailable):
        await rotate(records, DataKeys(records, KeyRing.of(Interrupted(b"x" * 32), old)))
    between = DataKeys(records, KeyRing.of(new, old))
    for room, row in zip(rooms, stored, strict=True):
        assert unseal(await between.for_reading(room, FIRST_EPOCH), place, row) == SECRET
    assert await rotate(records, between) == 3
    after = DataKeys(records, KeyRing.of(new))
    for room, row in zip(rooms, stored, strict=True):
        assert unseal(await after.for_reading(room, FIRST_EPOCH), place, row) == SECRET


async def test_destroyed_key_makes_all_of_an_epoch_unreadable_and_is_not_made_again(
    sealed: Stores,
) -> None:
    """KEY-5."""
    await write_everywhere(sealed)
    await sealed.log.append(OTHER, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"kept"])
    keys = sealed.data_keys
    assert keys is not None
    wrapped = await sealed.raw.records.get(
        RecordKind.DATA_KEY, NO_ROOM, key_record_id(ROOM, FIRST_EPOCH)
    )
    assert wrapped is not None
    assert await keys.destroy(ROOM, before=Epoch(2)) == 1
    assert await keys.destroy(ROOM, before=Epoch(2)) == 0
    left = await sealed.raw.records.get(RecordKind.DATA_KEY, NO_ROOM, wrapped.record_id)
    assert left is not None
    assert left.value == b""
    with pytest.raises(DataKeyDestroyed):
        await sealed.log.read(ROOM, after=Sequence(0))
    for ref in await sealed.snapshots.list(ROOM):
        with pytest.raises(DataKeyDestroyed):
            await sealed.snapshots.get(ROOM, ref)
    with pytest.raises(DataKeyDestroyed):
        await sealed.blobs.read(BLOB)
    assert await sealed.records.list(RecordKind.VERSION, ROOM, after=None, limit=9) == ()
    with pytest.raises(DataKeyDestroyed):
        await sealed.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(9), update=b"late")
    tail = await sealed.log.read(OTHER, after=Sequence(0))
    assert [row.update for row in tail.rows] == [b"kept"]


async def test_a_writer_of_an_epoch_whose_key_is_gone_is_told_that_the_epoch_moved(
    sealed: Stores,
) -> None:
    """KEY-5, STO-20."""
    await sealed.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"old"])
    await sealed.log.begin_epoch(ROOM, of=FIRST_EPOCH, epoch=Epoch(2), after=Sequence(1))
    assert sealed.data_keys is not None
    await sealed.data_keys.destroy(ROOM, before=Epoch(2))
    with pytest.raises(EpochMoved) as caught:
        await sealed.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(1), updates=[b"stale"])
    assert (caught.value.expected, caught.value.actual) == (1, 2)
    await sealed.log.append(ROOM, epoch=Epoch(2), after=Sequence(1), updates=[b"new"])
    assert [row.update for row in (await sealed.log.read(ROOM, after=Sequence(0))).rows] == [b"new"]


async def test_room_that_was_plain_gets_no_key_for_its_old_epoch_after_the_destruction(
    sealed: Stores,
) -> None:
    """KEY-5."""
    assert sealed.data_keys is not None
    assert await sealed.data_keys.destroy(ROOM, before=Epoch(2)) == 0
    with pytest.raises(DataKeyDestroyed):
        await sealed.snapshots.put(ROOM, epoch=FIRST_EPOCH, sequence=Sequence(1), update=b"late")


async def test_sealed_bytes_open_in_their_own_place_only(tmp_path: Path) -> None:
    """KEY-6: Room, epoch, kind and position are bound to the ciphertext."""
    cipher = AESGCM(secrets.token_bytes(32))
    place = place_of(ROOM, FIRST_EPOCH, "row", 7)
    stored = seal(cipher, FIRST_EPOCH, place, SECRET)
    assert unseal(cipher, place, stored) == SECRET
    assert len(stored) == len(SECRET) + OVERHEAD_BYTES
    for other in (
        place_of(OTHER, FIRST_EPOCH, "row", 7),
        place_of(ROOM, Epoch(2), "row", 7),
        place_of(ROOM, FIRST_EPOCH, "snapshot", 7),
        place_of(ROOM, FIRST_EPOCH, "row", 8),
    ):
        with pytest.raises(DecryptionFailed):
            unseal(cipher, other, stored)
    for at in range(len(stored)):
        bent = stored[:at] + bytes([stored[at] ^ 1]) + stored[at + 1 :]
        with pytest.raises(DecryptionFailed):
            unseal(cipher, place, bent)
    with pytest.raises(DecryptionFailed):
        unseal(AESGCM(secrets.token_bytes(32)), place, stored)


async def test_a_row_moved_by_a_hand_that_knows_the_checksums_does_not_open(
    sealed: Stores,
) -> None:
    """KEY-6."""
    await sealed.log.append(ROOM, epoch=FIRST_EPOCH, after=Sequence(0), updates=[b"a", b"b"])
    rows = (await sealed.raw.log.read(ROOM, after=Sequence(0))).rows
    await sealed.raw.log.append(
        ROOM, epoch=FIRST_EPOCH, after=Sequence(2), updates=[rows[0].update]
    )
    with pytest.raises(DecryptionFailed):
        await sealed.log.read(ROOM, after=Sequence(0))


def test_no_nonce_comes_twice() -> None:
    """KEY-6."""
    cipher = AESGCM(secrets.token_bytes(32))
    place = place_of(ROOM, FIRST_EPOCH, "row", 1)
    assert len({seal(cipher, FIRST_EPOCH, place, b"") for _ in range(10_000)}) == 10_000


async def test_keys_are_shown_in_no_representation_and_no_log(
    sealed: Stores, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """KEY-7."""
    caplog.set_level(logging.DEBUG)
    await write_everywhere(sealed)
    secret = b"0123456789abcdef0123456789abcdef"
    keys = DataKeys(MemoryStore().records, KeyRing.of(LocalKey(secret)))
    await keys.for_writing(ROOM, FIRST_EPOCH)
    stored = [key async for key in keys.stored()]
    shown = f"{sealed!r} {keys!r} {keys.ring!r} {keys.ring.current!r} {stored!r} {caplog.text}"
    out = capsys.readouterr()
    for spelling in (secret.decode(), secret.hex(), base64.b64encode(secret).decode()):
        assert spelling not in shown + out.out + out.err
    assert base64.b64encode(stored[0].wrapped).decode() not in shown
    assert stored[0].wrapped.hex() not in shown


async def test_cached_keys_are_bounded_and_expire() -> None:
    """KEY-8: What another node destroyed stays readable here no longer than that."""
    now_s = [0.0]
    records = MemoryStore().records
    ring = KeyRing.of(LocalKey(secrets.token_bytes(32)))
    one = DataKeys(records, ring, lambda: now_s[0])
    other = DataKeys(records, ring)
    cipher = await one.for_writing(ROOM, FIRST_EPOCH)
    await other.destroy(ROOM, before=Epoch(2))
    now_s[0] = CACHE_S - 1
    assert await one.for_reading(ROOM, FIRST_EPOCH) is cipher
    now_s[0] = CACHE_S
    with pytest.raises(DataKeyDestroyed):
        await one.for_reading(ROOM, FIRST_EPOCH)
    for number in range(CACHE_KEYS_MAX + 5):
        await one.for_writing(RoomKey(f"{number:064x}"), FIRST_EPOCH)
    assert len(one._cache) == CACHE_KEYS_MAX


@pytest.fixture(scope="module")
def kms_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    with kms(tmp_path_factory.mktemp("kms")) as environment:
        yield environment


async def kms_key() -> str:
    async with get_session().create_client("kms") as client:
        return str((await client.create_key())["KeyMetadata"]["Arn"])


async def test_master_key_in_kms(
    tmp_path: Path, kms_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """KEY-9: Also to and from a key in a file, by rotation."""
    for name, value in kms_environment.items():
        monkeypatch.setenv(name, value)
    local, remote = key_file(tmp_path), f"kms:{await kms_key()}"
    async with await open_stores(settings_of(tmp_path, local)) as stores:
        await write_everywhere(stores)
    async with await open_stores(settings_of(tmp_path, remote, local)) as stores:
        assert stores.data_keys is not None
        assert await rotate(stores.raw.records, stores.data_keys) == 1
    async with await open_stores(settings_of(tmp_path, remote)) as stores:
        assert SECRET in await read_everywhere(stores)
        assert found_in_files(tmp_path / "data", SECRET) == []
    with pytest.raises(MasterKeyMissing):
        await open_stores(settings_of(tmp_path, f"kms:{await kms_key()}"))


async def test_kms_that_is_away_or_refuses_is_told_and_nothing_is_taken_for_empty(
    tmp_path: Path, kms_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """KEY-3, KEY-9."""
    for name, value in kms_environment.items():
        monkeypatch.setenv(name, value)
    settings = settings_of(tmp_path, f"kms:{await kms_key()}")
    with pytest.raises(StoreUnavailable, match="KMS refused to encrypt"):
        await open_stores(settings_of(tmp_path / "new", "kms:alias/nobody"))
    async with await open_stores(settings) as stores:
        await write_everywhere(stores)
        stores_keys = stores.data_keys
        assert stores_keys is not None
        stores_keys.forget()
        await stores_keys.ring.close()
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(StoreUnavailable, match="KMS cannot be used"):
            await load_room(stores, NAME)
