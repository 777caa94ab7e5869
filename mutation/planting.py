"""Putting a changed source in the place of the real one, without touching the file.

In place: the code of every living function object that was made from a changed function is exchanged,
wherever decorators, caches, properties and registries have put it. Afresh: a finder hands out the changed
source when the module is imported for the first time; that is for code which runs on import.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

from mutation.scope import settings

Key = tuple[str, str, int]
Living = dict[Key, list[FunctionType]]


def key(code: CodeType) -> Key:
    """What names a piece of code: its file, its qualified name and its first line."""
    return code.co_filename, code.co_qualname, code.co_firstlineno


def living_functions(root: Path) -> Living:
    """All function objects made from files under the root."""
    found: Living = defaultdict(list)
    for thing in gc.get_objects():
        if isinstance(thing, FunctionType) and thing.__code__.co_filename.startswith(str(root)):
            found[key(thing.__code__)].append(thing)
    return dict(found)


def without_code(code: CodeType) -> tuple[object, ...]:
    """What a piece of code does itself, apart from the functions defined in it."""
    constants = [repr(c) for c in code.co_consts if not isinstance(c, CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_exceptiontable


def nested(code: CodeType) -> list[CodeType]:
    """The code objects defined directly in another."""
    return [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def changed_code(before: CodeType, after: CodeType) -> Iterator[CodeType]:
    """The code objects of `after` that differ from those of `before` by themselves."""
    if without_code(before) != without_code(after) or len(nested(before)) != len(nested(after)):
        yield after
        return
    for one, other in zip(nested(before), nested(after), strict=True):
        yield from changed_code(one, other)


def exchanges(path: Path, changed: str, living: Living) -> list[tuple[FunctionType, CodeType]] | None:
    """The function objects to change, each with its new code; None if code that runs on import changes."""
    before = compile(path.read_text(encoding="utf-8"), str(path), "exec", dont_inherit=True)
    after = compile(changed, str(path), "exec", dont_inherit=True)
    found: list[tuple[FunctionType, CodeType]] = []
    for code in changed_code(before, after):
        owners = [outer for outer in enclosing(after, code) if key(outer) in living]
        if not owners:
            return None
        # Each owner is exchanged whole: a living inner function, and the outer one that makes new ones.
        for owner in owners:
            found += [(function, owner) for function in living[key(owner)]]
    return found


def enclosing(tree: CodeType, code: CodeType) -> list[CodeType]:
    """The code object and all that it is defined in."""
    if tree is code:
        return [tree]
    for inner in nested(tree):
        if below := enclosing(inner, code):
            return [tree, *below]
    return []


def plant_in_place(pairs: list[tuple[FunctionType, CodeType]]) -> None:
    """Exchange the code, and forget what functions with caches remember."""
    for function, code in pairs:
        function.__code__ = code
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in settings()["packages"]:
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


class Planted(importlib.abc.MetaPathFinder):
    """Finds one module, with another source."""

    def __init__(self, module: str, path: Path, changed: str) -> None:
        self.module, self.path, self.loader = module, path, _Loader(module, str(path))
        self.loader.changed = changed

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the one module."""
        if fullname != self.module:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self.loader)


class _Loader(SourceFileLoader):
    changed = ""

    def get_code(self, fullname: str) -> CodeType:
        """Compiled from the changed source; no bytecode is read or written."""
        return compile(self.changed, self.path, "exec", dont_inherit=True)


def plant_afresh(module: str, path: Path, changed: str) -> None:
    """From now on the module is imported with the changed source."""
    sys.meta_path.insert(0, Planted(module, path, changed))
