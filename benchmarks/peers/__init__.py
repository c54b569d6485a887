"""Other servers, and the floor, to be measured in the same run."""
