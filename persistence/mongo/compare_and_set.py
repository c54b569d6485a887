"""Compare-and-set of one document that knows its own work again.

The driver repeats a write whose answer was lost. A server that has forgotten the first attempt
would then report that somebody else came first. Each change carries a mark of its own, by which the
document is recognised.
"""

from __future__ import annotations

import secrets

from pymongo.errors import DuplicateKeyError

from persistence.mongo.link import Collection, Document


async def compare_and_set(
    collection: Collection, *, key: Document, revision: int, change: Document
) -> bool:
    """Make (`revision` 0) or change the document of a key if it still has a revision.

    Args:
        collection: whose.
        key: fields that name the document, unique together.
        revision: what it must have; it will have one more.
        change: the other fields.

    Returns:
        Whether it was written; if not, nothing was.
    """
    mark = secrets.token_bytes(12)
    fields = {**change, "revision": revision + 1, "mark": mark}
    if revision:
        done = await collection.update_one({**key, "revision": revision}, {"$set": fields})
        if done.matched_count:
            return True
    else:
        try:
            await collection.insert_one({**key, **fields})
            return True
        except DuplicateKeyError:
            pass
    found = await collection.find_one(key, {"mark": 1})
    return found is not None and found["mark"] == mark
