"""channels: consumers of both colours, the database, sessions and login through it."""

from __future__ import annotations

import threading

import pytest
from channels.auth import AuthMiddlewareStack, get_user, login, logout
from channels.consumer import SyncConsumer
from channels.db import aclose_old_connections, database_sync_to_async
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer,
    JsonWebsocketConsumer,
    WebsocketConsumer,
)
from channels.layers import get_channel_layer
from channels.testing import ApplicationCommunicator, HttpCommunicator, WebsocketCommunicator
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction

pytestmark = [pytest.mark.asyncio, pytest.mark.django_db(transaction=True)]


class Echo(WebsocketConsumer):
    groups = ["everybody"]

    def connect(self):
        self.thread = threading.get_ident()
        self.accept()

    def receive(self, text_data=None, bytes_data=None):
        User.objects.create(username=text_data)
        self.send(f"{text_data} {threading.get_ident() == self.thread}")

    def tell(self, message):
        self.send(message["text"])


async def test_a_sync_consumer_accepts_answers_and_writes():
    """The consumer is in one thread throughout, and what it writes is there."""
    client = WebsocketCommunicator(Echo.as_asgi(), "/ws/")
    assert (True, None) == await client.connect()
    await client.send_to(text_data="ann")
    assert "ann True" == await client.receive_from()
    assert await User.objects.filter(username="ann").aexists()
    await client.disconnect()


async def test_a_sync_consumer_hears_its_group():
    """group_add and group_discard go through async_to_sync."""
    client = WebsocketCommunicator(Echo.as_asgi(), "/ws/")
    await client.connect()
    await get_channel_layer().group_send("everybody", {"type": "tell", "text": "hello"})
    assert "hello" == await client.receive_from()
    await client.disconnect()
    assert {} == get_channel_layer().groups.get("everybody", {})


class Json(JsonWebsocketConsumer):
    def receive_json(self, content, **kwargs):
        if content == "close":
            self.close(4000)
        else:
            self.send_json({"got": content})


class AsyncJson(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content, **kwargs):
        count = await database_sync_to_async(User.objects.count)()
        await self.send_json({"got": content, "users": count})


async def test_json_consumers_of_both_colours():
    """The same exchange; the async one counts rows through a hop."""
    for consumer, expected in ((Json, {"got": [1]}), (AsyncJson, {"got": [1], "users": 0})):
        client = WebsocketCommunicator(consumer.as_asgi(), "/ws/")
        await client.connect()
        await client.send_json_to([1])
        assert expected == await client.receive_json_from()
        await client.disconnect()


async def test_a_consumer_closes_with_a_code():
    """close() of a sync consumer."""
    client = WebsocketCommunicator(Json.as_asgi(), "/ws/")
    await client.connect()
    await client.send_json_to("close")
    assert 4000 == (await client.receive_output())["code"]


class Http(AsyncHttpConsumer):
    async def handle(self, body):
        user = await database_sync_to_async(User.objects.create)(username=body.decode())
        await self.send_response(200, str(user).encode())


async def test_an_http_consumer_writes():
    """A handler with a hop in it."""
    response = await HttpCommunicator(Http.as_asgi(), "POST", "/", body=b"bob").get_response()
    assert (200, b"bob") == (response["status"], response["body"])


class Failing(SyncConsumer):
    def test_it(self, message):
        raise ValueError(message["text"])


async def test_an_error_of_a_sync_consumer_arrives():
    """The exception itself, through the hop."""
    communicator = ApplicationCommunicator(Failing.as_asgi(), {"type": "test"})
    await communicator.send_input({"type": "test.it", "text": "no"})
    with pytest.raises(ValueError, match="no"):
        await communicator.wait()


async def test_login_and_logout():
    """They are functions under database_sync_to_async."""
    user = await User.objects.acreate(username="ann")
    scope = {"session": await database_sync_to_async(SessionStore)()}
    await login(scope, user)
    assert user == await get_user(scope)
    await logout(scope)
    assert isinstance(await get_user(scope), AnonymousUser)


async def test_the_user_of_a_session_reaches_a_consumer():
    """AuthMiddlewareStack reads session and user through hops."""
    user = await User.objects.acreate(username="ann")
    scope = {"session": await database_sync_to_async(SessionStore)()}
    await login(scope, user)
    await database_sync_to_async(scope["session"].save)()

    class Who(AsyncJsonWebsocketConsumer):
        async def receive_json(self, content, **kwargs):
            await self.send_json(self.scope["user"].username)

    cookie = f"sessionid={scope['session'].session_key}".encode()
    stack = AuthMiddlewareStack(Who.as_asgi())
    client = WebsocketCommunicator(stack, "/ws/", headers=[(b"cookie", cookie)])
    await client.connect()
    await client.send_json_to(1)
    assert "ann" == await client.receive_json_from()
    await client.disconnect()


async def test_a_transaction_is_rolled_back_in_its_hop():
    """atomic() inside a function under database_sync_to_async."""

    @database_sync_to_async
    def fail():
        with transaction.atomic():
            User.objects.create(username="gone")
            assert connection.in_atomic_block
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert not await User.objects.filter(username="gone").aexists()


async def test_connections_are_closed():
    """aclose_old_connections is a hop of channels' own."""
    await aclose_old_connections()
