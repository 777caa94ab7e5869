"""`actlen` and `python -m actlen`: run a command, turn every refusal into one line and a status."""

from __future__ import annotations

import os
import sys

import typer

from theory.errors import SpecError

__all__ = ["main"]

BAD_INPUT = 2
INTERRUPTED = 130


def main() -> None:
    """Exit 0 done, 1 a verdict differs, 2 bad input (one line on standard error), 130 interrupted."""
    sys.exit(_status())


def _status() -> int:
    from actlen.cli.app import app

    try:
        result = app(prog_name="actlen", standalone_mode=False)
        sys.stdout.flush()
    except (SpecError, typer.TyperException) as error:
        return _refuse(error.format_message() if isinstance(error, typer.TyperException) else str(error))
    except typer.Exit as leave:
        result = leave.exit_code
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): point standard output nowhere, so nothing more complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if result == INTERRUPTED:
        typer.echo("actlen: interrupted", err=True)
    return result if isinstance(result, int) else 0


def _refuse(message: str) -> int:
    line = " ".join(message.split())
    typer.echo(f"actlen: {line}", err=True)
    return BAD_INPUT


if __name__ == "__main__":
    main()
