"""The application's addresses."""

from __future__ import annotations

from django.urls import path

from catalogue import views

urlpatterns = [
    path("", views.about),
    path("books/", views.books),
    path("books/<int:pk>/", views.book),
    path("books/<int:pk>/left/", views.left),
    path("books/<int:pk>/lend/", views.lend),
    path("books/<int:pk>/give-back/", views.give_back),
    path("search/", views.search),
    path("wishlist/", views.wishlist),
    path("export/", views.export),
    path("export-sync/", views.export_sync),
    path("here/", views.here),
]
