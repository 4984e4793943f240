"""A call that is made elsewhere: on a worker, which finds the same modules there."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

Function = Callable[..., Any]


class Call:
    """A call that is made where it is unpickled.

    The scheduler, which only passes bytes on, may run where the package is not installed.
    """

    def __init__(self, function: Function, arguments: tuple[Any, ...]) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Function, tuple[Any, ...]]:
        return perform, (self.function, os.getcwd(), self.arguments)


def perform(function: Function, folder: str, arguments: tuple[Any, ...]) -> Any:
    """Do a piece of work on a worker, which finds modules in the client's folder too.

    Args:
        function: Function of a module.
        folder: The client's working directory.
        arguments: The function's arguments.
    """
    if os.path.isdir(folder) and folder not in sys.path:
        sys.path.append(folder)
    return function(*arguments)
