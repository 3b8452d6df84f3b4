"""Every program has the outcome that asgiref gives it, unless the contract says otherwise."""

from __future__ import annotations

import pytest

# Importing the modules puts their programs on the list.
from parity import (
    bridges,
    cancelled,
    carried,
    contexts,
    executor,
    hooks,
    lanes,
    local_storage,
    loops,
    placement,
)
from parity.differences import DIFFERENCES, Item
from parity.library import PROGRAMS, run

MODULES = (
    bridges,
    cancelled,
    carried,
    contexts,
    executor,
    hooks,
    lanes,
    local_storage,
    loops,
    placement,
)


@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - DIFFERENCES.keys()))
def test_same_outcome_as_asgiref(name: str) -> None:
    """A program that differs must be on the list of differences."""
    assert run(PROGRAMS[name], "asgiref") == run(PROGRAMS[name], "typedbridge")


@pytest.mark.parametrize("name", sorted(DIFFERENCES))
def test_difference_on_purpose(name: str) -> None:
    """What the contract changes is asserted for both, so that a lost difference is noticed."""
    difference = DIFFERENCES[name]
    assert difference.asgiref != difference.typedbridge
    assert difference.asgiref == run(PROGRAMS[name], "asgiref")
    assert difference.typedbridge == run(PROGRAMS[name], "typedbridge")


def test_every_item_of_the_list_is_shown_by_a_program() -> None:
    """An item that no program shows is a promise nobody checks."""
    assert set(Item) == {difference.item for difference in DIFFERENCES.values()}


def test_there_are_programs_in_every_module() -> None:
    """An import that went missing would quietly drop its programs."""
    counted = [
        sum(one.__module__ == module.__name__ for one in PROGRAMS.values()) for module in MODULES
    ]
    assert all(counted), counted
