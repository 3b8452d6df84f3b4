"""django-ninja: operations, authentication and middleware of both colours."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import AsyncRequestFactory
from ninja import File, NinjaAPI, UploadedFile
from ninja.compatibility.files import fix_request_files_middleware
from ninja.security import APIKeyQuery, HttpBearer
from ninja.testing import TestAsyncClient, TestClient

pytestmark = pytest.mark.django_db(transaction=True)


class Key(APIKeyQuery):
    def authenticate(self, request, key):
        return User.objects.filter(username=key).first()


class AsyncToken(HttpBearer):
    async def authenticate(self, request, token):
        return await User.objects.filter(username=token).afirst()


def make_api(urls_namespace):
    api = NinjaAPI(urls_namespace=urls_namespace)

    @api.get("/sync")
    def sync(request):
        return User.objects.count()

    @api.get("/async")
    async def asynchronous(request):
        return await User.objects.acount()

    @api.get("/sync-key", auth=Key())
    def sync_key(request):
        return request.auth.username

    @api.get("/async-key", auth=Key())
    async def async_key(request):
        return request.auth.username

    @api.get("/sync-token", auth=AsyncToken())
    def sync_token(request):
        return request.auth.username

    @api.get("/async-token", auth=AsyncToken())
    async def async_token(request):
        return request.auth.username

    # One path with both colours: the sync operation is called through a hop.
    @api.get("/both")
    async def both_get(request):
        return "async"

    @api.post("/both")
    def both_post(request):
        return User.objects.create(username="made").username

    @api.get("/fails")
    async def fails(request):
        raise LookupError("no")

    @api.exception_handler(LookupError)
    def handle(request, error):
        return api.create_response(request, {"error": str(error)}, status=404)

    return api


API = make_api("trial")


def test_sync_operations_with_a_sync_client():
    """Authentication that is a coroutine function goes through async_to_sync."""
    User.objects.create(username="ann")
    client = TestClient(API)
    assert 1 == client.get("/sync").json()
    assert "ann" == client.get("/sync-key?key=ann").json()
    assert "ann" == client.get("/sync-token", headers={"Authorization": "Bearer ann"}).json()
    assert 401 == client.get("/sync-token", headers={"Authorization": "Bearer bob"}).status_code


@pytest.mark.asyncio
async def test_async_operations():
    """Authentication that is a plain function goes through sync_to_async."""
    await User.objects.acreate(username="ann")
    client = TestAsyncClient(API)
    assert 1 == (await client.get("/async")).json()
    assert "ann" == (await client.get("/async-key?key=ann")).json()
    header = {"Authorization": "Bearer ann"}
    assert "ann" == (await client.get("/async-token", headers=header)).json()
    assert 401 == (await client.get("/async-key?key=bob")).status_code
    assert (404, {"error": "no"}) == ((r := await client.get("/fails")).status_code, r.json())


@pytest.mark.asyncio
async def test_a_path_with_operations_of_both_colours():
    """The sync one is called through sync_to_async, and writes."""
    client = TestAsyncClient(API)
    assert "async" == (await client.get("/both")).json()
    assert "made" == (await client.post("/both")).json()
    assert await User.objects.filter(username="made").aexists()


@pytest.mark.asyncio
async def test_uploads_by_put_in_async_middleware():
    """The middleware loads them through a hop."""

    async def view(request):
        return HttpResponse(request.FILES["file"].read())

    made = AsyncRequestFactory().post("/", {"file": SimpleUploadedFile("a.txt", b"text")})
    made.method = made.META["REQUEST_METHOD"] = "PUT"
    response = await fix_request_files_middleware(view)(made)
    assert (200, b"text", "PUT") == (response.status_code, response.content, made.method)


def test_uploads_by_post():
    """The plain way."""
    api = NinjaAPI(urls_namespace="uploads")

    @api.post("/")
    def upload(request, file: UploadedFile = File(...)):  # noqa: B008  # ninja's way
        return file.read().decode()

    client = TestClient(api)
    assert "text" == client.post("/", FILES={"file": SimpleUploadedFile("a.txt", b"text")}).json()
