"""Ctrl-C that is never lost: asked for once, seen at the latest before the next piece of work.

Python drops an exception raised while a garbage-collection callback runs, a KeyboardInterrupt
included, and Hypothesis installs such a callback. There the handler only takes note.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupt", "held", "interruptible"]


class Interrupt:
    """Whether the user has asked to stop."""

    def __init__(self) -> None:
        self.asked = False

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """The signal handler: take note, and raise where raising is heard."""
        self.asked = True
        if not _in_collector_callback(frame):
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise if the user has asked to stop."""
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Handle SIGINT inside the block; the previous handler comes back after it."""
    interrupt = Interrupt()
    previous = signal.signal(signal.SIGINT, interrupt.handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, previous)


@contextmanager
def held() -> Iterator[None]:
    """Ctrl-C waits until the block ends: a library interrupted while it is loaded fails in its own words."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_collector_callback(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "gc_callback":
            return True
        frame = frame.f_back
    return False
