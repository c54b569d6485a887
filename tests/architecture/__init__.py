"""What holds over the source itself."""
