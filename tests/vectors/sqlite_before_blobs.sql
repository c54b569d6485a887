PRAGMA journal_mode = WAL;
PRAGMA application_id = 1113681508;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
CREATE TABLE manifests (
        room_key TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        revision INTEGER NOT NULL CHECK (revision > 0),
        record TEXT NOT NULL,
        checksum BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "manifests" VALUES('079323d972fd4a5463b3c1e9c868c3a070ac6f3e912fb83b9a9f6be28314fcb4','band/from before',3,'{"epoch":1,"name":"band/from before","open_attempts":0,"revision":3,"snapshots":[["3bc9658a3421853718eab445c0f3734f",6,45,"61ce1a6f45aa21597ae52135dc55020ce41b1e48b3a2b4851b1e6a22ef9935e5"],["59f04f32e6b5a3619cd575f7a2f22172",4,33,"26edc8f06da9cc2934609cec0d63e6d807d4e1943c399706bf4a84f80480b750"],["3500e0263466b410ebb9cf1c69571512",2,21,"eec3cb8afa8d2196af23ff98357fd797316df09aba5dfbfc5f7a80f9eb2931a3"]],"status":"active","status_reason":"","trimmed_through":2}',X'EE62269F0CDC4336');
CREATE TABLE probe (line INTEGER PRIMARY KEY CHECK (line = 1), beat INTEGER NOT NULL) STRICT;
INSERT INTO "probe" VALUES(1,0);
CREATE TABLE quarantined_snapshots (
        snapshot_id TEXT PRIMARY KEY,
        room_key TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        checksum TEXT NOT NULL,
        reason TEXT NOT NULL,
        quarantined_at_unix_s INTEGER NOT NULL
    ) STRICT
    ;
CREATE TABLE quarantined_updates (
        room_key TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        reason TEXT NOT NULL,
        quarantined_at_unix_s INTEGER NOT NULL,
        checksum BLOB,
        bytes BLOB,
        PRIMARY KEY (room_key, sequence)
    ) STRICT
    ;
CREATE TABLE records (
        kind TEXT NOT NULL,
        room_key TEXT NOT NULL,
        record_id TEXT NOT NULL,
        revision INTEGER NOT NULL CHECK (revision > 0),
        value BLOB NOT NULL,
        checksum BLOB NOT NULL,
        PRIMARY KEY (kind, room_key, record_id)
    ) STRICT
    ;
CREATE TABLE rooms (
        room_id INTEGER PRIMARY KEY,
        room_key TEXT NOT NULL UNIQUE CHECK (length(room_key) = 64),
        head INTEGER NOT NULL CHECK (head >= 0),
        trimmed_through INTEGER NOT NULL DEFAULT 0 CHECK (trimmed_through BETWEEN 0 AND head)
    ) STRICT
    ;
INSERT INTO "rooms" VALUES(1,'079323d972fd4a5463b3c1e9c868c3a070ac6f3e912fb83b9a9f6be28314fcb4',8,2);
CREATE TABLE snapshot_parts (
        snapshot_id TEXT NOT NULL,
        part INTEGER NOT NULL,
        bytes BLOB NOT NULL,
        UNIQUE (snapshot_id, part)
    ) STRICT
    ;
INSERT INTO "snapshot_parts" VALUES('3500e0263466b410ebb9cf1c69571512',0,X'010207000401047465787402302084070102312000');
INSERT INTO "snapshot_parts" VALUES('59f04f32e6b5a3619cd575f7a2f22172',0,X'010407000401047465787402302084070102312084070302322084070502332000');
INSERT INTO "snapshot_parts" VALUES('3bc9658a3421853718eab445c0f3734f',0,X'010607000401047465787402302084070102312084070302322084070502332084070702342084070902352000');
CREATE TABLE snapshots (
        snapshot_id TEXT PRIMARY KEY,
        room_key TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        checksum TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "snapshots" VALUES('3500e0263466b410ebb9cf1c69571512','079323d972fd4a5463b3c1e9c868c3a070ac6f3e912fb83b9a9f6be28314fcb4',2,21,'eec3cb8afa8d2196af23ff98357fd797316df09aba5dfbfc5f7a80f9eb2931a3');
INSERT INTO "snapshots" VALUES('59f04f32e6b5a3619cd575f7a2f22172','079323d972fd4a5463b3c1e9c868c3a070ac6f3e912fb83b9a9f6be28314fcb4',4,33,'26edc8f06da9cc2934609cec0d63e6d807d4e1943c399706bf4a84f80480b750');
INSERT INTO "snapshots" VALUES('3bc9658a3421853718eab445c0f3734f','079323d972fd4a5463b3c1e9c868c3a070ac6f3e912fb83b9a9f6be28314fcb4',6,45,'61ce1a6f45aa21597ae52135dc55020ce41b1e48b3a2b4851b1e6a22ef9935e5');
CREATE TABLE updates (
        room_id INTEGER NOT NULL REFERENCES rooms (room_id),
        sequence INTEGER NOT NULL CHECK (sequence > 0),
        checksum BLOB NOT NULL,
        bytes BLOB NOT NULL,
        PRIMARY KEY (room_id, sequence)
    ) STRICT, WITHOUT ROWID
    ;
INSERT INTO "updates" VALUES(1,3,X'5C61564A99DCD60C',X'0101070484070302322000');
INSERT INTO "updates" VALUES(1,4,X'76CCEE1CB366F2C6',X'0101070684070502332000');
INSERT INTO "updates" VALUES(1,5,X'81505A15D4BCF126',X'0101070884070702342000');
INSERT INTO "updates" VALUES(1,6,X'FACE80709FE5D506',X'0101070A84070902352000');
INSERT INTO "updates" VALUES(1,7,X'7622056532684D1A',X'0101070C84070B02362000');
INSERT INTO "updates" VALUES(1,8,X'82473B62AFA82C6F',X'0101070E84070D02372000');
CREATE INDEX snapshots_by_room ON snapshots (room_key, sequence);
COMMIT;
