from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest
from pytest_mypy_plugins.item import YamlTestItem

from typecheck_tests.plugin.projects import ROOT, Project

# pytest-mypy-plugins starts the `mypy` that it finds on the path: make that the one of this
# interpreter. It has no option for it.
os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")])


def pytest_itemcollected(item: pytest.Item) -> None:
    """Tell the cases of the YAML files where the plugin is, and to show its failures."""
    if isinstance(item, YamlTestItem):
        item.base_ini_fpath = str(Path(__file__).with_name("mypy.ini"))
        item.environment_variables |= {
            "MYPYPATH": str(ROOT),
            "PYTHONPATH": str(ROOT),
            "TYPEDBRIDGE_PLUGIN_STRICT": "1",
        }


# What the projects import, so that each of them finds it in the cache.
USED = """
import abc, asyncio, collections.abc, concurrent.futures, contextlib, functools, types, typing
import typedbridge
"""


@pytest.fixture(scope="session")
def checked_standard_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """mypy's cache after a run over the standard library, made once."""
    used = Project(tmp_path_factory.mktemp("used"))
    used.write("used.py", USED)
    used.mypy("used.py")
    return used.path / ".mypy_cache"


@pytest.fixture
def project(tmp_path: Path, checked_standard_library: Path) -> Project:
    """An empty project whose mypy configuration names the plugin."""
    fresh = Project(tmp_path)
    fresh.reuse(checked_standard_library)
    return fresh
