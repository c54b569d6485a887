"""The compiled form of the core: made by mypyc, kept beside the sources, chosen at the start."""
