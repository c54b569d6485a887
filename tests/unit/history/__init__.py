"""Planning of compaction and the proof of merges."""
