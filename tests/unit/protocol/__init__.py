"""The wire codecs and the update scan, against bytes that others made."""
