"""Programs that use both libraries in one process."""
