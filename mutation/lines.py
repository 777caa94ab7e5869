"""Which function and which statement a line of a source belongs to."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mutation.scope import ROOT

BLOCKS = ast.If | ast.For | ast.While | ast.With | ast.Try | ast.Match | ast.AsyncFor | ast.AsyncWith
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Body:
    """A function in a file: its name, a digest of its text, and its first line."""

    name: str
    digest: str
    first: int

    def mask(self, lines: Iterable[int]) -> int:
        """A number with one bit for each line, counted from the first."""
        found = 0
        for line in lines:
            found |= 1 << (line - self.first)
        return found


@cache
def bodies(path: Path) -> dict[int, Body]:
    """The innermost function for each line of a function's body; other lines have none."""
    source = (ROOT / path).read_text(encoding="utf-8")
    rows = source.splitlines()
    found: dict[int, Body] = {}

    def visit(node: ast.AST, names: tuple[str, ...]) -> None:
        for child in ast.iter_child_nodes(node):
            inner = names
            if isinstance(child, DEFINITIONS):
                inner, last = (*names, child.name), child.end_lineno or child.lineno
                if not isinstance(child, ast.ClassDef):
                    text = "\n".join(rows[child.lineno - 1 : last])
                    digest = hashlib.sha256(text.encode()).hexdigest()[:6]
                    body = Body(".".join(inner), digest, child.body[0].lineno)
                    found.update(dict.fromkeys(range(body.first, last + 1), body))
            visit(child, inner)

    visit(ast.parse(source), ())
    return found


def _spans(tree: ast.AST) -> Iterator[range]:
    """The lines of each simple statement, and of the head of each compound one."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, BLOCKS | DEFINITIONS | ast.ExceptHandler) and body:
            yield range(node.lineno, max(body[0].lineno, node.lineno + 1))
        elif isinstance(node, ast.Match):
            yield range(node.lineno, node.cases[0].pattern.lineno)
        elif isinstance(node, ast.stmt):
            yield range(node.lineno, (node.end_lineno or node.lineno) + 1)


@cache
def _spans_of(path: Path) -> list[range]:
    return list(_spans(ast.parse((ROOT / path).read_text(encoding="utf-8"))))


def statement(path: Path, line: int) -> range:
    """The lines of the smallest statement, or head of one, that a line belongs to.

    >>> len(statement(Path("mutation/lines.py"), 1))
    1
    """
    return min((span for span in _spans_of(path) if line in span), key=len, default=range(line, line + 1))
