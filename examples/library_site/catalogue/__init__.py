"""The library's one application: books, and who has them."""
