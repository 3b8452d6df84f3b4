"""The site for ASGI servers: uvicorn, daphne, gunicorn's asgi worker."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "library_site.settings")
http = get_asgi_application()

# Consumers use models, which are there when Django is set up.
from catalogue.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(websocket_urlpatterns)})
