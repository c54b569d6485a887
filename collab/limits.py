"""Every fixed cap of the core, in one place, with the relations between them asserted.

Caps that operators may change start from these values (see ``gateway/settings.py``); those
marked *fixed* are part of the protocol's safety and are not settings.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Names and small texts (fixed).
ROOM_NAME_BYTES_MAX: Final = 255
REASON_BYTES_MAX: Final = 123  # what a websocket close frame can carry (RFC 6455, 5.5)
TOKEN_BYTES_MAX: Final = 8 * KIB
STATELESS_BYTES_MAX: Final = 64 * KIB
HOCUSPOCUS_SESSION_BYTES_MAX: Final = 128
HANDSHAKE_BYTES_MAX: Final = 8 * KIB  # a longer one is read as any HTTP request is

# Frames and documents (defaults of settings).
FRAME_BEFORE_AUTH_BYTES_MAX: Final = 8 * KIB
UPDATE_BYTES_MAX: Final = 1 * MIB
DOCUMENT_BYTES_MAX: Final = 32 * MIB
TAKEN_APART_FACTOR_MAX: Final = 3  # fixed; an update to the form that `taken_apart` gives it
DOCUMENT_CLIENTS_MAX: Final = 150_000  # fixed; client ids that ever wrote in one document
FRAME_OVERHEAD_BYTES_MAX: Final = 1 * KIB  # fixed; name, types and lengths around an update

# Codec (fixed).
VARINT_BYTES_MAX: Final = 8  # 53 bits, what JavaScript's numbers hold
UINT53_MAX: Final = 2**53 - 1
MESSAGES_PER_FRAME_MAX: Final = 64
STEPS_UNANSWERED_MAX: Final = 16
STATE_VECTOR_CLIENTS_MAX: Final = 200_000

# Update scan (fixed).
ANY_DEPTH_MAX: Final = 64
TYPE_DEPTH_MAX: Final = 64  # shared types within shared types, in one document
UPDATE_CLIENTS_MAX: Final = 200_000
CLIENT_IDS_ALIKE_MAX: Final = 64  # in one update, equal in their low 16 bits
UPDATE_STRUCTS_MAX: Final = 2_000_000  # each costs the CRDT library some 200 bytes of memory
UPDATE_DELETE_RANGES_MAX: Final = 1_000_000
JSON_TEXT_BYTES_MAX: Final = 1 * MIB  # one format value or embed
CLOCK_MAX: Final = 2**31 - 1  # yrs subtracts clocks as signed integers of 32 bits

# Awareness (defaults of settings).
AWARENESS_STATE_BYTES_MAX: Final = 16 * KIB  # and the most that the codec takes
AWARENESS_CLIENTS_PER_SESSION_MAX: Final = 8
AWARENESS_ENTRIES_PER_MESSAGE_MAX: Final = 4096  # fixed
AWARENESS_EXPIRY_MS: Final = 30_000  # fixed
AWARENESS_TOMBSTONE_MS: Final = 120_000  # fixed
AWARENESS_TICK_MS_MIN: Final = 30  # fixed; small rooms
AWARENESS_TICK_MS_MAX: Final = 1_000  # fixed

# Rooms (defaults of settings).
SESSIONS_PER_ROOM_MAX: Final = 2_000
PENDING_UPDATES_BYTES_MAX: Final = 4 * MIB
UNSAVED_BYTES_MAX: Final = 64 * MIB
OUTBOX_BYTES_MAX: Final = 4 * MIB
LOADS_AT_ONCE_MAX: Final = 8  # rooms read from the store at the same time
JOIN_BYTES_IN_FLIGHT_MAX: Final = 32 * MIB  # of large answers to newcomers, on the whole node

# Fan-out (fixed): what a busy room lets travel together.
FANOUT_WINDOW_MS_MAX: Final = 25
FANOUT_WINDOW_UPDATES_MAX: Final = 64
FANOUT_WINDOW_BYTES_MAX: Final = 64 * KIB
MERGE_UPDATE_BYTES_MAX: Final = 4 * KIB  # larger updates are sent by themselves
MERGE_UPDATE_STRUCTS_MAX: Final = 32
MERGE_STRUCTS_MAX: Final = 4096  # in all merges of one round: a few milliseconds

# Compaction (defaults of settings).
COMPACTION_TAIL_UPDATES: Final = 500
COMPACTION_TAIL_BYTES: Final = 1 * MIB
COMPACTION_TAIL_AGE_S: Final = 6 * 3_600
COMPACTION_AGED_UPDATES_MIN: Final = 20  # fixed; a shorter tail costs a load nothing
SNAPSHOT_GENERATIONS_KEPT: Final = 3  # fixed
OPEN_ATTEMPTS_MAX: Final = 3  # fixed; the open that crashed, and two more
OPEN_PATIENCE_S: Final = 10.0  # fixed; other nodes that open a room at this moment live

# Records (fixed).
RECORD_BYTES_MAX: Final = 1 * MIB  # small enough for one document of any store
RECORD_ID_BYTES_MAX: Final = 128

# Versions (fixed; how often they are made and how long they are kept are settings).
VERSION_NAME_CHARS_MAX: Final = 128
VERSION_MESSAGE_CHARS_MAX: Final = 2_000
VERSIONS_NAMED_MAX: Final = 500  # of one room; more are refused
VERSIONS_AUTOMATIC_MAX: Final = 200  # of one room; the oldest go
COMPARE_ENTRIES_MAX: Final = 10_000  # differences told of two versions
COMPARE_CHARS_MAX: Final = 4 * MIB
VERSION_SPACING_S: Final = 60  # at least, between two automatic ones
VERSION_LULL_FACTOR: Final = 6  # few edits wait this many intervals for their version

# Scores (fixed): what a file may hold that is imported or exported.
SCORE_FILE_BYTES_MAX: Final = 32 * MIB  # as it comes
SCORE_XML_BYTES_MAX: Final = 64 * MIB  # taken out of an archive, and written out
SCORE_ARCHIVE_ENTRIES_MAX: Final = 256
SCORE_ARCHIVE_RATIO_MAX: Final = 200  # text of XML shrinks to a fiftieth at most
SCORE_XML_DEPTH_MAX: Final = 32
SCORE_XML_ELEMENTS_MAX: Final = 3_000_000
SCORE_MEASURES_MAX: Final = 20_000
SCORE_PARTS_MAX: Final = 512
SCORE_CELLS_MAX: Final = 200_000  # measures of all parts
SCORE_NOTES_MAX: Final = 250_000
SCORE_RAW_TEXTS_MAX: Final = 1_024  # pieces of markup in one entry

# Notifications (fixed).
WEBHOOKS_MAX: Final = 10  # of one room, and of all rooms
MAIL_ADDRESS_CHARS_MAX: Final = 254
MAIL_CONFIRMATIONS_PER_ADDRESS_MAX: Final = 3  # within an hour
MAIL_CONFIRMATIONS_PER_SUBJECT_MAX: Final = 10  # within an hour
DIGEST_EVENTS_MAX: Final = 100  # told one by one in a mail; more are counted

# Comments (fixed), beside one score.
COMMENT_CHARS_MAX: Final = 4_000  # of one message
COMMENT_MENTIONS_MAX: Final = 20  # in one message
COMMENT_THREADS_MAX: Final = 2_000
COMMENT_MESSAGES_MAX: Final = 500  # in one thread
COMMENTS_BYTES_MAX: Final = 8 * MIB  # of all that is said, as JSON
COMMENTS_PAGE_MAX: Final = 200  # threads
IDEMPOTENCY_KEY_CHARS_MAX: Final = 255

# Scores (fixed), made with the API.
SCORE_MEASURES_EMPTY_MAX: Final = 1_000  # in a new one, and inserted at once
SCORE_TEXT_CHARS_MAX: Final = 1_000  # a title, a name
SCORE_FACETS_BYTES_MAX: Final = 1 * MIB  # as JSON in one request
SCORES_PAGE_MAX: Final = 200
SCORE_EDITS_MAX: Final = 100  # operations in one request
SCORE_EDIT_ELEMENTS_MAX: Final = 10_000  # that one operation names
SCORE_CLIP_EVENTS_MAX: Final = 10_000
SCORE_EDITS_KEPT_MAX: Final = 16  # requests with a key, of one room
SCORES_LOOKED_AT_MAX: Final = 2_000  # rooms, for one page

# Jobs (fixed), as asked for over HTTP.
JOB_ASKERS_MAX: Final = 200  # people who want the same
JOBS_PAGE_MAX: Final = 200
JOBS_LOOKED_AT_MAX: Final = 2_000  # for one page
JOB_STREAMS_MAX: Final = 500  # clients that follow jobs on one node
JOB_STREAMS_PER_SUBJECT_MAX: Final = 20
DOWNLOAD_BYTES_MAX: Final = 512 * MIB  # of results that are being sent by one node

# Loop slices (fixed): work on one message is cut into pieces of about this much.
SLICE_BYTES: Final = 64 * KIB
SLICE_STRUCTS: Final = 4096
SLICE_CLIENTS: Final = 512  # yrs searches all blocks that wait for each other at every switch
SLICE_BRANCHES: Final = 16  # structs and deletes that may each cost a walk along the document
SLICE_CHECKS: Final = 512  # structs whose shape is checked in one step
SLICE_TARGET_MS: Final = 3.0  # slices grow or shrink until applying one takes about this long
SLICE_TURN_MS: Final = 2.0  # steps are taken together until this time is used up
PASSAGE_CLOCKS_MIN: Final = 8192  # of a client whose text takes longer to join than to integrate
TIDY_UPDATES_MAX: Final = 128  # small updates that share one transaction of the library
TIDY_BYTES_MAX: Final = 64 * KIB  # joining them costs the square of it: 64 of a kilobyte some 5 ms
DISSOLVE_BYTES_MIN: Final = 256 * KIB  # smaller documents are freed in one go, some 4 ms at most
DISSOLVE_CLOCKS: Final = 512  # deleted in the first step of taking a large one apart
DISSOLVE_STEPS_MAX: Final = 64  # where many clients make every step dear
DISSOLVE_MS_MAX: Final = 1000.0  # of processor time; what is left then is freed in one go

# Processor time for large updates (defaults of settings): beyond the burst, at the pace at which it
# flows in.
APPLY_BURST_MS: Final = 2_000
APPLY_SENDER_MS_PER_S: Final = 250
APPLY_ROOM_MS_PER_S: Final = 400
APPLY_HELD_MS_MAX: Final = 60_000  # then the sender's next large update ends its connection

# Encoded documents (fixed): what may be done on the event loop, and what is kept ready.
ENCODE_AGAIN_BYTES_MAX: Final = 128 * KIB  # encoded for each newcomer after an edit
ENCODE_INLINE_BYTES_MAX: Final = 8 * MIB  # some 30 ms; larger ones are encoded elsewhere
DIFFERENCE_BYTES_MAX: Final = 1 * MIB  # who lacks more of a large document is sent all of it
STATE_TAIL_BYTES_MIN: Final = 256 * KIB  # edits kept beside an encoded document in any case
STATE_TAIL_PER_BYTES: Final = 4  # and beyond that a quarter of its size
DIFFERENCES_KEPT_MAX: Final = 16  # answers by state vector, until the next edit
DIFFERENCE_KEPT_BYTES_MAX: Final = 64 * KIB  # each of them

# Blobs that nothing names (fixed).
ORPHAN_AGE_S_MIN: Final = 3_600  # longer than any call of a store takes with all its retries

# Erasure (fixed).
RETIRED_CLIENTS_MAX: Final = 1_000_000  # of all erasures of one room; 8 bytes each while it is live

# Membership (fixed).
LEASE_MS: Final = 5_000  # by the store's clock; a node that is silent for so long is no member
MEMBER_BEAT_MS: Final = 1_000  # from one renewal to the next
LEASE_VALUE_BYTES_MAX: Final = 16 * KIB
MEMBER_BEATS_MISSED_MAX: Final = 3  # then a member is called silent, although its lease may last
BUSIEST_ROOMS_MAX: Final = 50  # that a node tells of by name
BUSIEST_BYTES_MAX: Final = 4 * KIB  # of their names, as they are written
STORE_PROBLEM_CHARS_MAX: Final = 200
GONE_NODES_MAX: Final = 32  # that are remembered
GONE_NODE_MS_MAX: Final = 600_000

# Many nodes (fixed).
NODE_ID_CHARS_MAX: Final = 64
BUS_UPDATES_BYTES_MAX: Final = 256 * KIB  # rows in one envelope; larger ones are read from the log
BUS_QUEUE_BYTES_MAX: Final = 8 * MIB  # envelopes that wait for the bus, on the whole node
BUS_INBOX_BYTES_MAX: Final = 1 * MIB  # rows that wait to be applied, in one room
BUS_STATES_MS: Final = 100  # between two envelopes with presence of one room
BUS_BEAT_MS: Final = 1_000
BUS_BEATS_MISSED_MAX: Final = 4  # then a node is taken for dead, and its presence is withdrawn
FOLLOW_MS: Final = 5_000  # between two looks at the log of a room, with the bus up
FOLLOW_ALONE_MS: Final = 2_000  # and without it
FOLLOW_AT_ONCE_MAX: Final = 16  # logs read for that at the same time, on the whole node
HEADS_AT_ONCE_MAX: Final = 256  # rooms whose heads are compared in one question to the store

assert FRAME_BEFORE_AUTH_BYTES_MAX <= UPDATE_BYTES_MAX <= DOCUMENT_BYTES_MAX
assert DOCUMENT_CLIENTS_MAX < STATE_VECTOR_CLIENTS_MAX
assert DOCUMENT_CLIENTS_MAX < RETIRED_CLIENTS_MAX
assert TOKEN_BYTES_MAX <= FRAME_BEFORE_AUTH_BYTES_MAX
assert AWARENESS_STATE_BYTES_MAX < UPDATE_BYTES_MAX
assert AWARENESS_TICK_MS_MIN <= AWARENESS_TICK_MS_MAX < AWARENESS_EXPIRY_MS
assert AWARENESS_TOMBSTONE_MS >= 2 * AWARENESS_EXPIRY_MS
assert UNSAVED_BYTES_MAX >= DOCUMENT_BYTES_MAX
assert OUTBOX_BYTES_MAX >= UPDATE_BYTES_MAX * TAKEN_APART_FACTOR_MAX + FRAME_OVERHEAD_BYTES_MAX
assert MERGE_UPDATE_BYTES_MAX <= FANOUT_WINDOW_BYTES_MAX < OUTBOX_BYTES_MAX
assert MERGE_UPDATE_STRUCTS_MAX * FANOUT_WINDOW_UPDATES_MAX <= MERGE_STRUCTS_MAX
assert SNAPSHOT_GENERATIONS_KEPT > 1
assert COMPACTION_AGED_UPDATES_MIN < COMPACTION_TAIL_UPDATES
assert ENCODE_AGAIN_BYTES_MAX < DIFFERENCE_BYTES_MAX < ENCODE_INLINE_BYTES_MAX
assert (VERSION_NAME_CHARS_MAX + VERSION_MESSAGE_CHARS_MAX) * 12 < RECORD_BYTES_MAX
assert SCORE_FILE_BYTES_MAX <= SCORE_XML_BYTES_MAX
assert SCORE_PARTS_MAX <= SCORE_MEASURES_MAX <= SCORE_CELLS_MAX <= SCORE_NOTES_MAX
assert COMMENT_CHARS_MAX * 12 < COMMENTS_BYTES_MAX < DOCUMENT_BYTES_MAX
assert SLICE_TURN_MS <= SLICE_TARGET_MS
assert MERGE_UPDATE_BYTES_MAX < TIDY_BYTES_MAX
assert APPLY_SENDER_MS_PER_S <= APPLY_ROOM_MS_PER_S < APPLY_BURST_MS
assert MEMBER_BEAT_MS * 4 < LEASE_MS
assert MEMBER_BEAT_MS * (MEMBER_BEATS_MISSED_MAX + 1) < LEASE_MS
assert BUSIEST_BYTES_MAX * 2 < LEASE_VALUE_BYTES_MAX
assert BUS_UPDATES_BYTES_MAX <= BUS_INBOX_BYTES_MAX <= BUS_QUEUE_BYTES_MAX
assert BUS_BEAT_MS * BUS_BEATS_MISSED_MAX < AWARENESS_EXPIRY_MS
assert FOLLOW_ALONE_MS <= FOLLOW_MS
