"""What scores cost: to import, keep, edit, export and engrave, and a worker at its limit."""
