"""What happens to everybody else when somebody is idle, slow, abusive, or many at once."""
