"""The pure core of the collaboration server: values in, values out."""
