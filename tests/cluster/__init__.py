"""Several real nodes over one store, and what their bus may do to them."""
