"""The error of a statement that cannot be read or means nothing, with its place in the text."""

from __future__ import annotations

from theory.errors import SpecError

__all__ = ["CostError", "StatementError"]

_WINDOW = 76


class StatementError(SpecError):
    """A statement that cannot be read, or says something that does not exist; the message is one line.

    `column` counts from 1 in `text`; both are None where the error has no place of its own.
    """

    def __init__(self, message: str, text: str | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.text = text
        self.column = column

    def caret(self) -> tuple[str, str] | None:
        """The statement, a window of it where it is long, and a caret under the column.

        >>> StatementError("no", "1 = 1", 3).caret()
        ('1 = 1', '  ^')
        """
        if self.text is None or self.column is None:
            return None
        place = self.column - 1
        start = max(0, min(place - _WINDOW // 2, len(self.text) - _WINDOW))
        window = self.text[start : start + _WINDOW]
        shown = "".join(c if c.isascii() and c.isprintable() else _stand_in(c) for c in window)
        return shown, " " * (place - start) + "^"


class CostError(StatementError):
    """Too much to evaluate on this network; a smaller member of the family may do."""


def _stand_in(character: str) -> str:
    """One column for one character, so that the caret stays under its place."""
    return " " if character.isspace() else "?"
