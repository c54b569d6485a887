"""Plans for compaction, versions and erasure; plans, not deeds."""
