"""What a bucket should do with blobs by their age, as put-bucket-lifecycle-configuration takes it.

Rules go by the tag that every object carries, so that they fit any prefix. Every class named here
is read at once: a version of years ago opens like one of today. Nothing that is current is ever
expired: what may go, BandPro deletes itself.
"""

from __future__ import annotations

import json
from typing import Any, Final

UPLOADS_DAYS: Final = 7
"""Uploads in parts that nobody finished; BandPro aborts its own earlier."""

NONCURRENT_DAYS: Final = 30
"""In a bucket with versioning: how long what was deleted or erased stays after all."""

INFREQUENT_DAYS: Final = {"snapshot": 90, "version": 30, "export": 30, "archive": 30, "backup": 30}
"""To STANDARD_IA: half the price, paid for each read. A room that is used has newer snapshots."""

COLD_DAYS: Final = {"version": 180, "archive": 90, "backup": 90}
"""To GLACIER_IR: a fifth of the price, paid for each read, kept for 90 days at least."""

INFREQUENT_BYTES_MIN: Final = 128 * 1024
"""Smaller objects are billed as if they had this size in both classes: they stay where they are."""

TAG: Final = "bandpro-kind"


def lifecycle_document() -> str:
    """The rules as JSON."""
    rules = [
        {
            "ID": "bandpro-unfinished-uploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": UPLOADS_DAYS},
        },
        {
            "ID": "bandpro-deleted",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
            "Expiration": {"ExpiredObjectDeleteMarker": True},
        },
        *(_by_age(kind) for kind in INFREQUENT_DAYS),
    ]
    return json.dumps({"Rules": rules}, indent=2) + "\n"


def _by_age(kind: str) -> dict[str, Any]:
    transitions = [{"Days": INFREQUENT_DAYS[kind], "StorageClass": "STANDARD_IA"}]
    if kind in COLD_DAYS:
        transitions.append({"Days": COLD_DAYS[kind], "StorageClass": "GLACIER_IR"})
    return {
        "ID": f"bandpro-{kind}",
        "Status": "Enabled",
        "Filter": {
            "And": {
                "Prefix": "",
                "Tags": [{"Key": TAG, "Value": kind}],
                "ObjectSizeGreaterThan": INFREQUENT_BYTES_MIN,
            }
        },
        "Transitions": transitions,
    }
