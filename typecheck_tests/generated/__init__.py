"""Programs that nobody wrote: mypy with the plugin, and on the stubs, against the run time."""
