"""`actlen` and `python -m actlen`: run a command, turn every refusal into one line and a status."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from theory.errors import SpecError

__all__ = ["main"]

BAD_INPUT = 2
INTERRUPTED = 130


def main() -> None:
    """Exit 0 done, 1 a verdict differs, 2 bad input (one line on standard error), 130 interrupted."""
    try:
        status = _status()
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        _say("interrupted")
    sys.exit(status)


def _status() -> int:
    import typer

    from actlen.cli.app import app
    from theory.errors import SpecError

    if sys.stdout is None:
        return _refuse("standard output is closed; there is nowhere to print to")
    try:
        result = app(prog_name="actlen", standalone_mode=False)
        sys.stdout.flush()
    except (SpecError, typer.TyperException) as error:
        if isinstance(error, typer.TyperException):
            return _refuse(error.format_message())
        return _refuse(str(error), *_caret(error))
    except typer.Exit as leave:
        result = leave.exit_code
    except typer.Abort:
        result = INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # The reader went away (`| head`); typer turns that into SystemExit, which nothing else raises.
        _silence_output()
        return 0
    except OSError as error:
        _silence_output()
        return _refuse(f"cannot write the output: {error.strerror or error}")
    return result if isinstance(result, int) else 0


def _silence_output() -> None:
    """Point standard output nowhere, so that nothing complains on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _caret(error: SpecError) -> tuple[str, ...]:
    """Of an error within a statement, the statement and a caret under the place."""
    from proofs_check.language.errors import StatementError

    return (error.caret() or ()) if isinstance(error, StatementError) else ()


def _refuse(message: str, *further: str) -> int:
    _say(" ".join(message.split()))
    if sys.stderr is not None:
        sys.stderr.writelines(f"  {line}\n" for line in further)
    return BAD_INPUT


def _say(line: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"actlen: {line}\n")


if __name__ == "__main__":
    main()
