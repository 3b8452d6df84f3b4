"""What is inside: users import the modules above, never these."""
