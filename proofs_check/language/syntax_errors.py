"""Syntax errors in the user's words: where, what was expected, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from proofs_check.language.errors import StatementError

__all__ = ["FUNCTIONS", "INDEXED", "NAMES", "syntax_error"]

FUNCTIONS = ("exp", "log", "sqrt", "abs", "min", "max", "sum", "prod")
INDEXED = ("M", "n", "nu2", "nu4", "eta", "depth", "m", "c")
NAMES = ("d", "L", "g", "kappa", "EmpVar")
_NEAR = 12
_END = 40
# What may come next, by the terminal of the grammar that announces it.
_EXPECTED = {
    "NUMBER": 'a value: a number, a name such as n[j], or "("',
    "PLUS": "an operator + - * / **",
    "RELATION": "a relation == != <= >= < >",
    "COMMA": '","',
    "RPAR": '")"',
    "RSQB": '"]"',
    "LPAR": '"("',
    "LSQB": '"["',
    "$END": "the end",
}
_VARIABLE = "the variable of the sum or product, a name such as j"
_INSTEAD = (
    (r"=(?!=)", "write == for equality"),
    (r"\^", "write ** for a power"),
    ("\u2264", "write <= for it"),
    ("\u2265", "write >= for it"),
    ("\u2260", "write != for it"),
    (r"[\u00b7\u00d7]", "write * for a product"),
    (r"//|%", "the language has / only"),
    (r"!", "there is no factorial; write prod(i, i, 1, d)"),
    (r"[eE][+-]?[0-9]", "write 10**3 for powers of ten"),
)


def syntax_error(text: str, error: UnexpectedInput) -> StatementError:
    """Lark's error as ours: the column, what was expected there, and a hint for common slips."""
    position = _position(text, error)
    hint = _hint(text, position) or f"expected {_expected(text[:position], error)}"
    if not text.strip():
        return StatementError("the statement is empty; write one such as E[M[d]] == M[0]")
    if position >= len(text.rstrip()):
        shown = " ".join(text.split())[-_END:]
        return StatementError(
            f"cannot read the statement at its end: {shown} ({hint})", text, len(text.rstrip()) + 1
        )
    near = text[position : position + _NEAR]
    return StatementError(
        f"cannot read the statement at column {position + 1}, near {near!r}: {hint}", text, position + 1
    )


def _position(text: str, error: UnexpectedInput) -> int:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return error.pos_in_stream or 0


def _expected(before: str, error: UnexpectedInput) -> str:
    allowed = _allowed(error)
    if allowed == {"NAME"}:
        return _VARIABLE
    if "NUMBER" in allowed:
        allowed -= {"LPAR", "LSQB"}
    if not _inside_brackets(before):
        allowed -= {"COMMA", "RPAR", "RSQB"}
    found = [words for terminal, words in _EXPECTED.items() if terminal in allowed]
    return " or ".join(found) or "something else"


def _inside_brackets(before: str) -> bool:
    return sum(c in "([" for c in before) > sum(c in ")]" for c in before)


def _allowed(error: UnexpectedInput) -> set[str]:
    """The terminals that could have come."""
    if isinstance(error, UnexpectedToken):
        return set(error.accepts or error.expected)
    return set(error.allowed or ()) if isinstance(error, UnexpectedCharacters) else set()


def _hint(text: str, position: int) -> str | None:
    """What to write instead, for slips of people who know other languages."""
    for pattern, words in _INSTEAD:
        if re.match(pattern, text[position:]):
            return words
    word = re.search(r"[A-Za-z][A-Za-z0-9_]*\s*\Z", text[:position])
    bracket = text[position : position + 1]
    if word is None or bracket not in {"(", "["}:
        return None
    return _bracket_hint(word[0].strip(), bracket)


def _bracket_hint(word: str, bracket: str) -> str:
    """E(...), exp[...], foo(...), foo[...]: the wrong bracket, or a name that takes none."""
    if bracket == "(":
        if word in {*INDEXED, "E", "Var"}:
            return f"{word} takes square brackets: {word}[...]"
        return f"there is no function {word!r}{_nearest(word, FUNCTIONS)}"
    if word in FUNCTIONS:
        return f"{word} takes round brackets: {word}(...)"
    return f"{word!r} takes no index{_nearest(word, (*INDEXED, 'E', 'Var'))}"


def _nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f" (known: {', '.join(names)})"
