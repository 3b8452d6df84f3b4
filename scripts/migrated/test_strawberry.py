"""strawberry-graphql-django: models resolved from sync and async code, mutations, login, connections."""

from __future__ import annotations

import pytest
import strawberry
import strawberry_django
from django.contrib.auth.models import AnonymousUser, Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory
from strawberry import relay
from strawberry_django import auth, mutations
from strawberry_django.optimizer import DjangoOptimizerExtension
from strawberry_django.permissions import HasPerm, IsAuthenticated
from strawberry_django.relay import DjangoCursorConnection

pytestmark = pytest.mark.django_db(transaction=True)


@strawberry_django.type(Group)
class GroupType(relay.Node):
    name: strawberry.auto


@strawberry_django.type(User)
class UserType:
    username: strawberry.auto
    groups: list[GroupType]

    @strawberry_django.field
    def shout(self) -> str:
        return f"{self.username.upper()} of {self.groups.count()}"


@strawberry_django.input(Group)
class GroupInput:
    name: strawberry.auto


@strawberry.type
class Query:
    users: list[UserType] = strawberry_django.field()
    user: UserType = strawberry_django.field()
    me: UserType | None = auth.current_user()
    group: GroupType = relay.node()
    groups: DjangoCursorConnection[GroupType] = strawberry_django.connection()
    known: list[UserType] = strawberry_django.field(extensions=[IsAuthenticated()])
    allowed: list[UserType] = strawberry_django.field(extensions=[HasPerm("auth.view_user")])


@strawberry.type
class Mutation:
    create_group: GroupType = mutations.create(GroupInput)
    login: UserType = auth.login()
    logout: bool = auth.logout()


SCHEMA = strawberry.Schema(Query, Mutation, extensions=[DjangoOptimizerExtension])

QUERY = "{ users { username shout groups { name } } }"
EXPECTED = {
    "users": [{"username": "ann", "shout": "ANN of 1", "groups": [{"name": "writers"}]}],
}


class Context(dict):
    def __getattr__(self, name):
        return self[name]


def context(user=None):
    request = RequestFactory().post("/graphql")
    request.session = SessionStore()
    request.user = user or AnonymousUser()
    return Context(request=request, response=None)


@pytest.fixture
def ann():
    user = User.objects.create_user("ann", password="secret")
    user.groups.add(Group.objects.create(name="writers"))
    return user


async def run(text, user=None, **variables):
    result = await SCHEMA.execute(text, variables, context_value=context(user))
    assert result.errors is None, result.errors
    return result.data


def test_a_query_in_sync_code(ann):
    """With no hop at all."""
    result = SCHEMA.execute_sync(QUERY, context_value=context())
    assert (None, EXPECTED) == (result.errors, result.data)


@pytest.mark.asyncio
async def test_the_same_query_in_async_code(ann):
    """Lists, relations and plain functions are resolved through hops."""
    assert EXPECTED == await run(QUERY)


@pytest.mark.asyncio
async def test_one_object(ann):
    """By its primary key."""
    data = await run("query ($pk: ID!) { user(pk: $pk) { username } }", pk=ann.pk)
    assert {"user": {"username": "ann"}} == data


@pytest.mark.asyncio
async def test_what_does_not_exist_is_an_error():
    """Raised in the hop, told by the schema."""
    result = await SCHEMA.execute("{ user(pk: 7) { username } }", context_value=context())
    assert "matching query does not exist" in result.errors[0].message


@pytest.mark.asyncio
async def test_a_mutation_writes():
    """Through a hop with a transaction in it."""
    text = 'mutation { createGroup(data: {name: "new"}) { name } }'
    assert {"createGroup": {"name": "new"}} == await run(text)
    assert await Group.objects.filter(name="new").aexists()


@pytest.mark.asyncio
async def test_the_current_user(ann):
    """Asked in a hop."""
    assert {"me": {"username": "ann"}} == await run("{ me { username } }", ann)


@pytest.mark.asyncio
async def test_permissions(ann):
    """Those of a user are read in hops."""
    text = "{ %s { username } }"
    assert {"known": [{"username": "ann"}]} == await run(text % "known", ann)
    assert (
        [] == (await SCHEMA.execute(text % "allowed", context_value=context(ann))).data["allowed"]
    )
    await User.objects.aupdate(is_superuser=True)
    ann = await User.objects.aget()
    assert {"allowed": [{"username": "ann"}]} == await run(text % "allowed", ann)


@pytest.mark.asyncio
async def test_a_node_and_a_connection(ann):
    """Relay's ways to the same rows."""
    group = await Group.objects.aget()
    some = relay.to_base64("GroupType", group.pk)
    assert {"group": {"name": "writers"}} == await run(f'{{ group(id: "{some}") {{ name }} }}')
    data = await run("{ groups(first: 1) { edges { node { name } } } }")
    assert {"groups": {"edges": [{"node": {"name": "writers"}}]}} == data


def test_login_and_logout(ann):
    """In sync code, with a session."""
    given = context()
    text = 'mutation { login(username: "ann", password: "secret") { username } }'
    result = SCHEMA.execute_sync(text, context_value=given)
    assert (None, {"login": {"username": "ann"}}) == (result.errors, result.data)
    result = SCHEMA.execute_sync("mutation { logout }", context_value=given)
    assert (None, {"logout": True}) == (result.errors, result.data)
