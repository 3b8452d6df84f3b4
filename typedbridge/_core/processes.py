"""What goes to another process, where an executor has its workers there: a function and its arguments."""

# What the library's own modules share of a public class has an underscore for users.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import inspect
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from typedbridge._core.likeness import Likeness
from typedbridge._core.marks import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Executor, Future

__all__ = ["Parcel", "is_in_processes", "open_parcel", "send"]


#: Executors that pickle what they are given, by module and class: on this machine, and elsewhere.
_HERE: Final = (
    ("concurrent.futures.process", "ProcessPoolExecutor"),
    ("concurrent.futures.interpreter", "InterpreterPoolExecutor"),
    ("loky.process_executor", "ProcessPoolExecutor"),
)
_CLUSTERS: Final = (("distributed.cfexecutor", "ClientExecutor"),)


def _is_one_of(executor: Executor, classes: tuple[tuple[str, str], ...]) -> bool:
    # Asked for when it has been imported, since that takes longer than a hundred calls.
    return any(
        name in sys.modules and isinstance(executor, getattr(sys.modules[name], kind, ()))
        for name, kind in classes
    )


def is_in_processes(executor: Executor) -> bool:
    """Tell whether an executor sends what it is given to another process, or another interpreter."""
    return _is_one_of(executor, _HERE) or _is_one_of(executor, _CLUSTERS)


# Any: whatever the function takes and returns.
def send(
    executor: Executor,
    bridge: object,
    func: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> Future[Any]:
    """Submit a call to an executor whose workers are elsewhere.

    :raises pickle.PicklingError: where the executor pickles at once, if that cannot be done.
    """
    parcel = Parcel(bridge, func, args, kwargs)
    if not _is_one_of(executor, _CLUSTERS):
        return executor.submit(open_parcel, parcel)  # type: ignore[arg-type]  # it arrives as its content
    # A cluster may take two calls with equal arguments for one: each gets a number of its own.
    return executor.submit(_open_letter, parcel.packed(_pickled_for_others), os.urandom(16).hex())


class Parcel:
    """A function and its arguments on their way: pickled by the executor, in a thread of its own.

    :param bridge: what is called.
    :param func: the function that it wraps.
    """

    __slots__ = ("_args", "_bridge", "_func", "_kwargs")

    # Any: whatever the function takes.
    def __init__(
        self,
        bridge: object,
        func: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        self._bridge = bridge
        self._func = func
        self._args = args
        self._kwargs = kwargs

    def __reduce__(self) -> tuple[Callable[[bytes], object], tuple[bytes]]:
        return _pickle().loads, (self.packed(_pickled),)

    def packed(self, dump: Callable[[object], bytes]) -> bytes:
        """Return the content for the other process, or say what cannot be sent there."""
        # Under the name of a decorated function the other process finds the bridge.
        target: object = self._func
        if isinstance(self._bridge, Likeness) and self._bridge._is_found():
            target = self._bridge
        try:
            return dump((target, self._args, self._kwargs))
        except Exception as error:
            raise _pickle().PicklingError(
                f"sync_to_async({describe(self._func)}): {self._culprit(target, dump)} cannot be sent to the "
                f"processes of the executor: {error}"
            ) from error

    def _culprit(self, target: object, dump: Callable[[object], bytes]) -> str:
        """Say what cannot be pickled."""
        for name, value in self._named():
            if not _crosses(value, dump):
                return f"its argument {name}, of type {type(value).__qualname__},"
        return "its arguments" if _crosses(target, dump) else "the function itself"

    def _named(self) -> Iterator[tuple[str, object]]:
        """Yield the arguments with what to call them."""
        names: list[str] = []
        with suppress(TypeError, ValueError):  # a builtin may show no parameters
            names = [
                name
                for name, one in inspect.signature(self._func).parameters.items()
                if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
            ]
        for place, value in enumerate(self._args):
            yield repr(names[place]) if place < len(names) else str(place + 1), value
        yield from ((repr(name), value) for name, value in self._kwargs.items())


def open_parcel(content: tuple[Any, tuple[Any, ...], Mapping[str, Any]]) -> Any:
    """Call the function of a parcel that has arrived."""
    target, args, kwargs = content
    func: Callable[..., Any] = target._below() if isinstance(target, Likeness) else target
    return func(*args, **kwargs)


def _open_letter(packed: bytes, number: str) -> Any:
    """Call the function of a parcel on a worker of a cluster."""
    del number
    return open_parcel(_pickle().loads(packed))  # the cluster's own protocol is pickle, too


def _pickled_for_others(value: object) -> bytes:
    # What stands in `__main__` and inside of functions has no name there: it is sent by value.
    cloudpickle: Any = import_module("cloudpickle")  # a dependency of the cluster's, without types
    return bytes(cloudpickle.dumps(value))


# Any: a module.
def _pickle() -> Any:
    """Return what executors of other processes have imported, and most programs do not need."""
    return import_module("pickle")


def _pickled(value: object) -> bytes:
    # As the executor would: it knows more types than `pickle` does.
    from multiprocessing.reduction import ForkingPickler  # noqa: PLC0415  # imported by the executor

    return bytes(ForkingPickler.dumps(value))


def _crosses(value: object, dump: Callable[[object], bytes]) -> bool:
    try:
        dump(value)
    except Exception:
        return False
    return True
