"""Blobs in a bucket of Amazon S3, or of anything that speaks its protocol."""

from persistence.s3.blobs import S3Blobs

__all__ = ["S3Blobs"]
