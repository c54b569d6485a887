"""The part of the settings that the store is opened with."""

from __future__ import annotations

from gateway.setting_types import BusKind
from gateway.settings import Settings
from persistence.build import KeySettings, MongoLimits, S3Limits, StoreSettings
from persistence.failpoints import Failpoints


def store_settings(settings: Settings) -> StoreSettings:
    """Which store to open, and with which keys."""
    return StoreSettings(
        url=settings.store.url,
        data_folder=settings.data,
        failpoints=Failpoints.parse(",".join(settings.failpoints)),
        mongodb=MongoLimits(
            operation_timeout_ms=settings.mongodb_operation_timeout_ms,
            selection_timeout_ms=settings.mongodb_selection_timeout_ms,
            socket_timeout_ms=settings.mongodb_socket_timeout_ms,
            connections_max=settings.mongodb_connections_max,
        ),
        blobs_url=settings.blobs or "",
        s3=S3Limits(
            endpoint=str(settings.blobs_endpoint) if settings.blobs_endpoint else None,
            region=settings.blobs_region,
            path_style=settings.blobs_path_style,
            timeout_ms=settings.blobs_timeout_ms,
            operation_timeout_ms=settings.blobs_operation_timeout_ms,
            tags=settings.blobs_tags,
        ),
        shared=settings.bus.kind is not BusKind.OFF,
        encryption=KeySettings(settings.encryption, settings.encryption_old_keys),
    )
