"""An index of Python source code in SQLite: blocking parts, an async pipeline, a sync command line."""
