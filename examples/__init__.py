"""Programs to copy from; ``examples/README.md`` says what each one shows."""
