"""Blobs as files in a folder."""

from persistence.files.blobs import FileBlobs

__all__ = ["FileBlobs"]
