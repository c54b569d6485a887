"""Backups: a store's content as immutable, compressed, checksummed blobs in a folder or a bucket.

Below ``backups/<id>/`` lie ``begun`` (what it was begun as), ``chunks/<number>`` (the content, cut
to a bounded size), ``index/<number>`` (one line for each room) and, written last, ``manifest`` with
the SHA-256 of everything: a backup exists whole or not at all. An incremental one names its parent.

- `sealing`: compression, encryption, keys;
- `entries`: what stands in a chunk;
- `catalogue`: the manifest, the index, and which backups there are;
- `writer`: the blobs of one backup, and how an interrupted one goes on;
- `making`: from a store into a backup;
- `room_keys`: the wrapped data keys of one room;
- `reader`: chunks and index lines, verified;
- `points`: which sequences and times can be reached;
- `restoring`: from a backup into a store;
- `verifying`: reading everything and saying what is wrong.
"""
