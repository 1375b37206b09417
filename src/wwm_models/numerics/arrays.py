"""Names for the arrays that everything here takes and gives, and arrays that are made when they are first asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.intp]
Flags = NDArray[np.bool_]
Value = TypeVar("Value")


class Later(Generic[Value]):
    """A field of a record that is given as a value, or as a function of nothing that makes it once, when it is first asked for.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Square:
    ...     side: float
    ...     area: Later[float] = Later()
    >>> Square(2.0, lambda: print("made") or 4.0).area
    made
    4.0
    """

    def __init__(self, *default: Value) -> None:
        self._default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, record: Any, owner: type) -> Value:
        if record is None:
            if not self._default:
                raise AttributeError(self._name)  # so that a dataclass knows a field without a default
            return self._default[0]
        kept = record.__dict__
        if callable(kept[self._name]):
            kept[self._name] = kept[self._name]()
        return cast("Value", kept[self._name])

    def __set__(self, record: Any, value: Value | Callable[[], Value]) -> None:
        record.__dict__[self._name] = value
