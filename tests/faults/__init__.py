"""Programs in which a bridge between sync and async code may go wrong, for either library."""
