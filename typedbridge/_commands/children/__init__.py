"""What stands first on the path of the Python processes that a program under ``run`` starts."""
