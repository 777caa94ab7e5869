"""The command line for tests: as a process of its own, or in this one, which spares the start of Python.

In this process the same function runs, with the same status and the same two streams; that a process does
what this function does is tested by a few commands in test_command_line.py.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from subprocess import CompletedProcess, Popen
from unittest import mock

from actlen.__main__ import main

COMMAND = [sys.executable, "-m", "actlen"]
ENVIRONMENT = {**os.environ, "PYTHONWARNINGS": "error", "NO_COLOR": "1"}
_STARTED: list[Popen[str]] = []


def in_a_process(*words: object, **options) -> CompletedProcess[str]:
    """`actlen WORDS` as a user starts it, with warnings as errors."""
    command = [*COMMAND, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=120, **options)


def started(*words: object, **options) -> Popen[str]:
    """The same while it goes on, in a session of its own; it does not outlive the test (conftest.py)."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [*COMMAND, *map(str, words)]
    process: Popen[str] = Popen(command, **(pipes | options), env=ENVIRONMENT, start_new_session=True)
    _STARTED.append(process)
    return process


def end_what_was_started() -> None:
    """Kill what still runs, with its workers: a test that failed did not come to its end."""
    while _STARTED:
        process = _STARTED.pop()
        if process.poll() is None:
            with process:
                os.killpg(process.pid, signal.SIGKILL)


def in_this_process(*words: object, cwd=".", text: str = "") -> CompletedProcess[str]:
    """The same without a process: `text` stands for standard input, `cwd` for the folder."""
    command = ["actlen", *map(str, words)]
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.multiple(sys, argv=command, stdin=io.StringIO(text)),
        mock.patch.dict(os.environ, NO_COLOR="1", COLUMNS="80"),
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        status = _status()
    return CompletedProcess(command, status, out.getvalue(), err.getvalue())


def _status() -> int:
    try:
        main()
    except SystemExit as leave:
        return leave.code if isinstance(leave.code, int) else 1
    raise AssertionError("the command line ends by an exit status")
