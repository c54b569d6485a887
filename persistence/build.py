"""The one place that names a concrete store."""
