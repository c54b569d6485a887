"""One real server process."""
