"""Tests of the rooms runner, in process, over real stores."""
