"""Where acknowledged edits are kept: logs, snapshots and manifests."""
