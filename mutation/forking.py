"""One attempt in a process of its own, forked from this one, with limits on time and memory."""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEMORY = 8 << 30


@dataclass(frozen=True)
class Ended:
    """How an attempt ended: with a value, or how else."""

    value: Any = None
    how: str = ""


def forked(action: Callable[[], Any], seconds: float) -> Ended:
    """The (JSON) value of the action, computed in a child; what else happened where there is none."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _in_child(action, writing)
    os.close(writing)
    text = _answer(child, reading, seconds)
    os.close(reading)
    _end(child)
    _, status = os.waitpid(child, 0)
    if text:
        found = json.loads(text)
        return Ended(found.get("value"), found.get("raised", ""))
    caught = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if caught in {signal.SIGXCPU, signal.SIGKILL}:
        return Ended(how="timeout")
    return Ended(how=f"crash: signal {caught}" if caught else "crash: exit")


def allow(seconds: float) -> None:
    """Let this process compute for so long from now on; then the system ends it."""
    used = time.process_time()
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, hard))


def _in_child(action: Callable[[], Any], writing: int) -> None:
    try:
        os.setsid()
        silence = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silence, stream)
        resource.setrlimit(resource.RLIMIT_AS, (_address_space() + MEMORY, resource.RLIM_INFINITY))
        text = json.dumps({"value": action()})
    except BaseException:
        text = json.dumps({"raised": f"crash: {traceback.format_exc(limit=-3)}"})
    os.write(writing, text.encode()[:60_000] + b"\n")
    os._exit(0)


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _answer(child: int, reading: int, seconds: float) -> str:
    """What the child wrote, up to its newline; nothing if it ended or took too long."""
    handle = os.pidfd_open(child)
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    poll.register(handle, select.POLLIN)
    last, text = time.monotonic() + seconds, b""
    while not text.endswith(b"\n"):
        events = dict(poll.poll(max(0, (last - time.monotonic()) * 1000)))
        if reading in events and events[reading] & select.POLLIN:
            text += os.read(reading, 65_536)
        elif events or time.monotonic() > last:
            break
    os.close(handle)
    return text.decode() if text.endswith(b"\n") else ""


def _end(child: int) -> None:
    """End the child and what it started."""
    for stop in (os.killpg, os.kill):
        try:
            stop(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
