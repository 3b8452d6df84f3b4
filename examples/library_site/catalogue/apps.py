"""What Django does with the application when it starts."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    """Books and loans; connects the receivers of signals."""

    name = "catalogue"

    def ready(self) -> None:
        """Import the receivers, which connects them."""
        # Not at the top: they use models, which are there only now.
        import_module("catalogue.receivers")
