"""Where shards are computed when not in threads of this process: engines that exist.

Local processes come from `concurrent.futures`, a cluster from Dask's `Client.get_executor`. Both
give an Executor and how many shards to keep under way.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from theory.errors import SpecError

__all__ = ["dask_cluster", "local_processes"]

_CONNECT_SECONDS = 5
_LONGEST_GREETING = 2**20


@contextmanager
def local_processes(count: int) -> Iterator[tuple[Executor, int]]:
    """Worker processes of this machine; they leave Ctrl-C to their parent.

    >>> with local_processes(1) as (executor, window):
    ...     executor.submit(pow, 2, 5).result(), window
    (32, 2)
    """
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(count, mp_context=context, initializer=_ignore_interrupts)
    try:
        yield executor, 2 * count
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def dask_cluster(address: str) -> Iterator[tuple[Executor, int]]:
    """The workers of a running Dask scheduler at tcp://HOST:PORT.

    Raises `SpecError` when there is none within five seconds, or no worker has registered.
    """
    _check_scheduler(address)
    try:
        from distributed import Client
    except ImportError:
        raise SpecError("--dask needs the package distributed: pip install 'actlen[distributed]'") from None
    _quiet()
    client = _connected(Client, address)
    try:
        threads = sum(client.ncores().values())
        if threads == 0:
            raise SpecError(f"the Dask scheduler at {address} has no workers; start some with `dask worker`")
        yield client.get_executor(pure=False), 4 * threads
    finally:
        # Tasks that a lost connection leaves behind are the scheduler's to forget.
        with contextlib.suppress(Exception):
            client.close(timeout=_CONNECT_SECONDS)


def _quiet() -> None:
    """What goes wrong is said once, by us: the client's own loggers report lost connections at length."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _connected(client: Any, address: str) -> Any:
    """A client, or one line: what answered may be anything, and so may be what it raises."""
    try:
        return client(address, timeout=_CONNECT_SECONDS)
    except Exception as error:
        raise SpecError(_unreachable(address, error)) from None


def _check_scheduler(address: str) -> None:
    """Refuse before Dask retries or waits: a scheduler greets first, with the length of its greeting."""
    try:
        parts = urlsplit(address)
        host, port = (parts.hostname, parts.port) if parts.scheme == "tcp" else (None, None)
    except ValueError:
        host, port = None, None
    if host is None or port is None:
        raise SpecError(
            f"{address[:80]!r} is no address of a Dask scheduler; write tcp://HOST:PORT, such as "
            "tcp://127.0.0.1:8786"
        )
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as connection:
            greeting = connection.recv(8, socket.MSG_WAITALL)
    except OSError as error:
        raise SpecError(_unreachable(address, error)) from None
    if len(greeting) < 8 or int.from_bytes(greeting, "little") > _LONGEST_GREETING:
        raise SpecError(f"what answers at {address} is no Dask scheduler; start one with `dask scheduler`")


def _unreachable(address: str, error: Exception) -> str:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split()) or type(error).__name__
    return f"no Dask scheduler answers at {address} ({reason}); start one with `dask scheduler`"
