"""The workers' reading of content."""
