"""The shape of a music score in a shared document."""
