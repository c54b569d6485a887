"""What runs in a tool process: libraries and programs that engrave and play scores.

Nothing here is imported by a server: `workers.tools.main` is started by its name.
"""
