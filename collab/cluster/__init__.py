"""What nodes tell each other and when it counts; pure, so that a cluster can be simulated."""
