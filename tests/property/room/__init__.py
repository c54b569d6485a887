"""Property tests of the room."""
