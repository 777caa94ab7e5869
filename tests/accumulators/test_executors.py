"""Engines that exist, without a cluster: who is taken for a scheduler, and what is left when work ends.

The greeting of a scheduler is played by a socket on loopback, Dask's client by a class. Dask's protocol
(`distributed.comm.tcp`) begins each message with its length, eight bytes, the lowest first.
"""

from __future__ import annotations

import errno
import logging
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from simulate import executors
from simulate.executors import dask_cluster, local_processes
from theory.errors import SpecError

CLOSED = "tcp://127.0.0.1:1"


@contextmanager
def greeting(banner):
    """The address of a service that sends its banner to the first who comes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)

        def greet():
            caller, _ = server.accept()
            with caller:
                caller.sendall(banner)

        thread = threading.Thread(target=greet)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


class Client:
    """Stands for `distributed.Client`: knows its workers' threads, and is told to close."""

    threads: dict[str, int]
    clients: list[Client]

    def __init__(self, address, timeout):
        self.address, self.patience, self.closed = address, timeout, False
        self.clients.append(self)

    def ncores(self):
        return self.threads

    def get_executor(self, pure):
        return SimpleNamespace(pure=pure)

    def close(self, timeout):
        self.closed = True
        raise OSError("the connection is lost")


@pytest.fixture
def dask(monkeypatch):
    """Dask with a scheduler at any address that greets, and these workers."""
    monkeypatch.setattr(Client, "threads", {"one": 2, "two": 1}, raising=False)
    monkeypatch.setattr(Client, "clients", [], raising=False)
    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client))
    return Client


def refusal(address):
    with pytest.raises(SpecError) as caught, dask_cluster(address):
        pass
    line = str(caught.value)
    assert "\n" not in line
    return line


def length(number):
    return number.to_bytes(8, "little")


# Greetings.


@pytest.mark.parametrize(
    "banner", [length(0), length(600), length(executors._LONGEST_GREETING), length(9) + b"the frame"]
)
def test_a_scheduler_greets_with_the_size_of_its_message(dask, banner):
    """Four shards for each of three threads; a task that was computed once is computed again if asked."""
    with greeting(banner) as address, dask_cluster(address) as (executor, window):
        assert (executor.pure, window) == (False, 12)
        assert not dask.clients[0].closed
    assert dask.clients[0].address == address
    assert dask.clients[0].closed


@pytest.mark.parametrize(
    "banner", [b"", length(2)[:7], b"SSH-2.0-OpenSSH_9.6\r\n", length(executors._LONGEST_GREETING + 1)]
)
def test_other_greetings_are_no_scheduler(dask, banner):
    with greeting(banner) as address:
        assert refusal(address).startswith(f"what answers at {address} is no Dask scheduler; start one")
    assert dask.clients == []


def test_where_nothing_answers_the_reason_is_told(dask):
    assert refusal(CLOSED) == (
        f"no Dask scheduler answers at {CLOSED} (Connection refused); start one with `dask scheduler`"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), "No route to host"),
        (ValueError("versions\n differ  too much"), "versions differ too much"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_a_client_that_cannot_connect_is_told_of_in_one_line(monkeypatch, dask, error, reason):
    """It is given as long as the greeting; whatever it raises has a reason, if only its name."""

    def fails(address, timeout):
        assert timeout == executors._CONNECT_SECONDS
        raise error

    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=fails))
    with greeting(length(2)) as address:
        assert f"answers at {address} ({reason}); start one" in refusal(address)


def test_a_scheduler_without_workers_is_refused_and_one_thread_is_enough(monkeypatch, dask):
    monkeypatch.setattr(dask, "threads", {})
    with greeting(length(2)) as address:
        assert "has no workers; start some" in refusal(address)
    assert dask.clients[0].closed
    monkeypatch.setattr(dask, "threads", {"one": 1})
    with greeting(length(2)) as address, dask_cluster(address) as (_, window):
        assert window == 4


def test_without_the_package_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with greeting(length(2)) as address:
        assert "pip install 'actlen[distributed]'" in refusal(address)


# Addresses.


@pytest.mark.parametrize(
    "address",
    ["tls://127.0.0.1:1", "tcp://127.0.0.1", "tcp://:8786", "127.0.0.1:1", "tcp://[::1", "tcp://a:70000", ""],
)
def test_what_is_no_address_is_refused_before_anything_is_asked(monkeypatch, address):
    """Another transport, no port, no host, no scheme, half a bracket, a port too high, nothing."""
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("asked"))
    assert refusal(address) == (
        f"{address!r} is no address of a Dask scheduler; write tcp://HOST:PORT, such as tcp://127.0.0.1:8786"
    )


def test_of_a_long_address_eighty_characters_are_shown():
    assert refusal("a" * 80).startswith(f"'{'a' * 80}' is no address")
    assert refusal("a" * 81).startswith(f"'{'a' * 80}' is no address")


# What is left behind.


def test_the_loggers_of_dask_are_silent_and_no_others(monkeypatch):
    names = ("distributed", "distributed.core", "tornado.general", "distributedly", "simulate.distributed")
    for name in names:
        logging.getLogger(name)
        monkeypatch.setattr(logging.getLogger(name), "level", logging.NOTSET)
    executors._quiet()
    silent = [name for name in names if not logging.getLogger(name).isEnabledFor(logging.CRITICAL)]
    for name in names:
        logging.getLogger(name).setLevel(logging.NOTSET)
    assert silent == list(names[:3])


def test_workers_leave_ctrl_c_to_their_parent():
    before = signal.getsignal(signal.SIGINT)
    try:
        executors._ignore_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_local_processes_finish_what_has_begun_and_drop_the_rest(monkeypatch):
    """A thread stands for the process: it is busy until it is told to end, and a moment longer."""
    leave, begun = threading.Event(), threading.Event()

    class Pool(ThreadPoolExecutor):
        def __init__(self, count, *, mp_context, initializer):
            assert mp_context.get_start_method() == "spawn", "a copy of a process with threads may hang"
            assert initializer is executors._ignore_interrupts
            super().__init__(count)

        def shutdown(self, wait=True, *, cancel_futures=False):
            super().shutdown(False, cancel_futures=cancel_futures)
            leave.set()
            super().shutdown(wait)

    def busy():
        begun.set()
        leave.wait(10)
        time.sleep(0.1)

    monkeypatch.setattr(executors, "ProcessPoolExecutor", Pool)
    with local_processes(1) as (executor, _):
        first, second = executor.submit(busy), executor.submit(pow, 2, 5)
        begun.wait(10)
    assert first.done()
    assert second.cancelled()
    with local_processes(3) as (_, window):
        assert window == 6
