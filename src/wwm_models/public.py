"""Public names, imported when first used: what the ``__init__.pyi`` of a folder lists is what the folder offers.

The list is a type stub, so that editors and type checkers read the very list that decides (Scientific Python SPEC 1, lazy loading).
It is read when a name is first asked for, so that the command line answers before numpy has loaded. `__all__` holds what is offered;
other names of the list are older places of a function, which keep working.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from types import FunctionType
from typing import Any

ROOT = __name__.rpartition(".")[0]


def names_of(package: str) -> tuple[dict[str, str], list[str]]:
    """What a package lists: by name the module that it comes from, and which of them are offered.

    Parameters
    ----------
    package : str
        Dotted name of a folder with a list.

    Examples
    --------
    >>> homes, offered = names_of("wwm_models.diagnostics")
    >>> homes["brant"], "brant" in offered
    ('wwm_models.diagnostics.proportional_odds', True)
    """
    import ast  # here, as the command line has no use for them
    import pkgutil

    text = (pkgutil.get_data(package, "__init__.pyi") or b"").decode("utf-8")
    homes: dict[str, str] = {}
    offered: list[str] = []
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.ImportFrom):
            homes |= {one.name: statement.module or package for one in statement.names}
        elif isinstance(statement, ast.Assign):
            offered = ast.literal_eval(statement.value)
    return homes, offered


def lazy(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` of a package that imports what it lists when it is first used.

    Functions check the kinds of their arguments, and a function is the same object under all its names.

    Parameters
    ----------
    package : str
        ``__name__`` of the folder.

    Examples
    --------
    >>> get, names = lazy("wwm_models.diagnostics")
    >>> get("brant").__module__
    'wwm_models.diagnostics'
    """
    listed = functools.cache(functools.partial(names_of, package))

    @functools.cache
    def get(name: str) -> Any:
        if name == "__all__":
            return listed()[1]
        homes = {} if name.startswith("__") else listed()[0]
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if homes[name] == package:  # a folder inside it
            return importlib.import_module(f"{package}.{name}")
        module = importlib.import_module(homes[name])
        found = getattr(module, name)
        if isinstance(found, FunctionType) and not hasattr(
            module, "__path__"
        ):  # a folder's own list has made it public
            found = importlib.import_module(f"{ROOT}.arguments").checked(found, package)
            found.__module__, found.__qualname__ = package, name  # where other processes look for it
        return found

    def names() -> list[str]:
        homes, offered = listed()
        return sorted([*offered, *(name for name, home in homes.items() if home == package)])

    return get, names
