"""Blobs as files in a folder."""

from persistence.files.blobs import FileBlobs
from persistence.files.reading import ReadingFileBlobs

__all__ = ["FileBlobs", "ReadingFileBlobs"]
