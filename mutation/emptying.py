"""A mutation operator of our own for Cosmic Ray: a function whose body becomes `return None`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import parso
from cosmic_ray.operators.operator import Example, Operator


def statements(function: Any) -> list[Any]:
    """The statements of a function after its docstring."""
    suite = function.children[-1]
    if suite.type != "suite":
        return [suite]
    kept = [child for child in suite.children if child.type != "newline"]
    return kept[1:] if kept and _is_string(kept[0]) else kept


def has_body(function: Any) -> bool:
    """Whether a function does anything at all; `...` and `pass` do not, nor a docstring alone."""
    return any(s.get_code(include_prefix=False).strip() not in {"...", "pass"} for s in statements(function))


class EmptyBody(Operator):  # type: ignore[misc]
    """Puts `return None` for all that a function does, on as many lines as before."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
        """One place in each function."""
        if node.type == "funcdef":
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The function without its body."""
        suite, dropped = node.children[-1], statements(node)
        if suite.type != "suite":
            leaf = parso.python.tree.Name(" return None\n", suite.start_pos)
            node.children[-1] = leaf
            return node
        first = dropped[0]
        lines = sum(s.get_code().count("\n") for s in dropped)
        text = " " * first.start_pos[1] + "return None" + "\n" * lines
        leaf = parso.python.tree.Name(text, first.start_pos)
        suite.children = [child for child in suite.children if child not in dropped] + [leaf]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        """For the documentation of Cosmic Ray."""
        return (Example("def f(x):\n    return g(x)\n", "def f(x):\n    return None\n"),)


class EmptyBodyProvider:
    """What Cosmic Ray looks operators up in."""

    def __iter__(self) -> Iterator[str]:
        return iter(["EmptyBody"])

    def __getitem__(self, name: str) -> type[EmptyBody]:
        return {"EmptyBody": EmptyBody}[name]


def _is_string(statement: Any) -> bool:
    first = statement.get_first_leaf()
    return statement.type == "simple_stmt" and first.type == "string" and statement.children[0] is first
