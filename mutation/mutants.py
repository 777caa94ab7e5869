"""The mutants of a module, by the operators of Cosmic Ray, each with a name that survives unrelated edits.

Left out are changes that cannot be seen by construction, or that change no computation: annotations (which
`from __future__ import annotations` never evaluates), decorators, the star that opens keyword-only
parameters, and `if TYPE_CHECKING`. A function in which no operator finds anything is emptied instead, so
that each function has at least one mutant unless its body is empty already.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import OPERATOR_PROVIDERS, get_operator
from cosmic_ray.work_item import MutationSpec, WorkItem

from mutation.emptying import EmptyBody, EmptyBodyProvider, has_body
from mutation.scope import ROOT, module_name

BINARY = """Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_FloorDiv Pow_Mul BitOr_BitAnd BitAnd_BitOr
LShift_RShift RShift_LShift"""
COMPARISONS = "Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is"
UNARY = "Delete_Not USub_UAdd Delete_Invert"
OTHERS = """AddNot ReplaceTrueWithFalse ReplaceFalseWithTrue ReplaceAndWithOr ReplaceOrWithAnd
ReplaceBreakWithContinue ReplaceContinueWithBreak ExceptionReplacer NumberReplacer ZeroIterationForLoop"""
FAMILIES = {
    "ReplaceBinaryOperator_": BINARY,
    "ReplaceComparisonOperator_": COMPARISONS,
    "ReplaceUnaryOperator_": UNARY,
    "": OTHERS,
}
OPERATORS = [f"core/{family}{name}" for family, names in FAMILIES.items() for name in names.split()]
EMPTYING = "actlen/EmptyBody"
OPERATOR_PROVIDERS["actlen"] = EmptyBodyProvider()

BINARY_PARENTS = {"term", "arith_expr", "power", "expr", "and_expr", "xor_expr", "shift_expr"}
MODULE_LEVEL = "<module>"


@dataclass(frozen=True)
class Mutant:
    """One change: the `occurrence`-th place in the file where `operator` applies, inside `function`."""

    id: str
    path: Path
    function: str
    operator: str
    occurrence: int
    start: tuple[int, int]
    end: tuple[int, int]

    @property
    def module(self) -> str:
        """The dotted name of the module."""
        return module_name(self.path)

    def source(self) -> str | None:
        """The changed source; None where it is no program."""
        original = (ROOT / self.path).read_text(encoding="utf-8")
        try:
            changed = mutate_code(original, get_operator(self.operator)(), self.occurrence)
            compile(changed, str(self.path), "exec", dont_inherit=True)
        except (SyntaxError, AttributeError):
            # Cosmic Ray cannot replace a dotted name among several exceptions.
            return None
        return str(changed)

    def difference(self) -> str:
        """The lines that differ: `- old` and `+ new`, without indentation; the number of lines stays."""
        before = (ROOT / self.path).read_text(encoding="utf-8").splitlines()
        pairs = zip(before, (self.source() or "").splitlines(), strict=False)
        return "\n".join(f"- {old.strip()}\n+ {new.strip()}" for old, new in pairs if old != new)

    def work_item(self) -> WorkItem:
        """As Cosmic Ray records it."""
        spec = MutationSpec(
            module_path=self.path,
            operator_name=self.operator,
            occurrence=self.occurrence,
            start_pos=self.start,
            end_pos=self.end,
            definition_name=self.function,
        )
        return WorkItem.single(self.id, spec)


def function_of(node: Any) -> Any | None:
    """The innermost function that a node lies in (a function lies in itself), or None."""
    while node is not None and node.type != "funcdef":
        node = node.parent
    return node


def name_of(function: Any | None) -> str:
    """`outer.inner` or `Class.method`, of a node that defines a function."""
    names = []
    while function is not None:
        if function.type in {"funcdef", "classdef"}:
            names.append(function.name.value)
        function = function.parent
    return ".".join(reversed(names)) or MODULE_LEVEL


def is_seen(node: Any, operator: str) -> bool:
    """Whether a change here can change what is computed."""
    if "BinaryOperator" in operator and node.parent.type not in BINARY_PARENTS:
        return False
    if operator == "core/AddNot" and node.children[1].get_code().strip() == "TYPE_CHECKING":
        return False
    child, parent = node, node.parent
    while parent is not None:
        if parent.type in {"tfpdef", "annassign"} and child is parent.children[1 + (parent.type == "tfpdef")]:
            return False
        if parent.type == "decorator" or (parent.type == "funcdef" and child is parent.annotation):
            return False
        child, parent = parent, parent.parent
    return True


def changes(source: str) -> Iterator[tuple[str, int, Any, tuple[int, int], tuple[int, int]]]:
    """Operator, occurrence, node, start and end of every change that is kept."""
    nodes = list(ast_nodes(get_ast(source)))
    reached = set()
    for operator in OPERATORS:
        instance = get_operator(operator)()
        places = ((n, *span) for n in nodes for span in instance.mutation_positions(n))
        for occurrence, (node, start, end) in enumerate(places):
            if is_seen(node, operator):
                reached.add(function_of(node))
                yield operator, occurrence, node, start, end
    places = ((n, *span) for n in nodes for span in EmptyBody().mutation_positions(n))
    for occurrence, (node, start, end) in enumerate(places):
        if node not in reached and has_body(node):
            yield EMPTYING, occurrence, node, start, end


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of a file. The id digests module, function, the function's text, operator and count."""
    source = (ROOT / path).read_text(encoding="utf-8")
    counted: Counter[tuple[str, str]] = Counter()
    found = []
    for operator, occurrence, node, start, end in changes(source):
        function = function_of(node)
        name = name_of(function)
        text = source.splitlines()[start[0] - 1] if function is None else function.get_code()
        key = "\0".join(map(str, (path, name, text, operator, counted[operator, name + text])))
        counted[operator, name + text] += 1
        identity = hashlib.sha256(key.encode()).hexdigest()[:12]
        found.append(Mutant(identity, path, name, operator, occurrence, start, end))
    return found


def functions_of(path: Path) -> dict[str, bool]:
    """The functions of a file by qualified name, and whether there is anything in them to change."""
    tree = get_ast((ROOT / path).read_text(encoding="utf-8"))
    found: dict[str, bool] = defaultdict(bool)
    for node in ast_nodes(tree):
        if node.type == "funcdef":
            found[name_of(node)] |= has_body(node)
    return dict(found)
