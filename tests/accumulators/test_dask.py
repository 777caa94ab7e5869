"""A Dask cluster on loopback: the same bits as threads, also when a worker dies; nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest

from simulate.executors import dask_cluster
from simulate.running import Interrupted
from simulate.simulation import simulate
from theory.errors import SpecError
from theory.network import FullyConnected

pytest.importorskip("distributed")

# Clusters take seconds to start.
pytestmark = pytest.mark.full

NETWORK = FullyConnected([64] * 3, weights="rademacher")
# 30 shards of about 0.05 s and a bit.
SAMPLES = 30 * 8192 + 7
OPTIONS = {"samples": SAMPLES, "seed": 8, "shard_leaves": 2}
SECONDS = 30


@contextmanager
def running(*words):
    """A process of ours, in a session of its own; killed with its children at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(SECONDS)


def wait_until(ready):
    """What `ready` returns once that is true."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(0.05)
    raise AssertionError("it took too long")


@contextmanager
def scheduler(folder):
    """A scheduler on a free port of loopback: its address."""
    note = folder / "scheduler.json"
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(note)]
    with running("distributed.cli.dask_scheduler", *words):
        wait_until(lambda: note.exists() and note.read_text().endswith("}"))
        yield json.loads(note.read_text())["address"]


def worker(address, folder):
    """One thread, without a nanny that would start it again."""
    words = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    return running("distributed.cli.dask_worker", address, *words, "--local-directory", str(folder))


def threads_of(address):
    """How many worker threads the scheduler knows."""
    try:
        with dask_cluster(address) as (_, window):
            return window // 4
    except SpecError:
        return 0


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    with scheduler(tmp_path_factory.mktemp("empty")) as address:
        yield address


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler with two workers: its address, and the process of one of them to be killed."""
    folder = tmp_path_factory.mktemp("cluster")
    with scheduler(folder) as address, ExitStack() as stack:
        victim, _ = (stack.enter_context(worker(address, folder)) for _ in range(2))
        wait_until(lambda: threads_of(address) == 2)
        yield address, victim


@pytest.fixture(scope="module")
def expected():
    return numbers(simulate(NETWORK, **OPTIONS))


def numbers(estimate):
    return repr((estimate.layers, estimate.empirical_variance, estimate.samples, estimate.notes))


def command(address, *words, seconds=SECONDS):
    line = [sys.executable, "-m", "actlen", "simulate", "--widths", "64x3", "--weights", "rademacher"]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    process = subprocess.run(
        [*line, *words, "--dask", address], capture_output=True, text=True, env=environment, timeout=seconds
    )
    return process.returncode, process.stdout, process.stderr


def test_the_same_bits_as_threads(cluster, expected):
    with dask_cluster(cluster[0]) as (executor, window):
        assert window == 8
        assert numbers(simulate(NETWORK, executor=executor, window=window, **OPTIONS)) == expected
        other = simulate(NETWORK, executor=executor, window=window, **(OPTIONS | {"seed": 9}))
        assert numbers(other) != expected


def test_ctrl_c_gives_a_prefix(cluster):
    def progress(done, total, seconds):
        if done:
            raise KeyboardInterrupt

    with dask_cluster(cluster[0]) as (executor, window), pytest.raises(Interrupted) as caught:
        simulate(NETWORK, executor=executor, window=window, progress=progress, **OPTIONS)
    found = caught.value.estimate
    assert 0 < found.samples < SAMPLES
    assert numbers(found) == numbers(simulate(NETWORK, **(OPTIONS | {"samples": found.samples})))


@pytest.mark.full
def test_the_command_on_a_cluster(cluster, tmp_path):
    """With a store too, and nothing on standard error."""
    words = ["--samples", "50000", "--seed", "8", "--json", "--store", str(tmp_path / "runs.sqlite")]
    status, out, err = command(cluster[0], *words)
    assert (status, err) == (0, "")
    right = simulate(NETWORK, samples=50_000, seed=8, store=tmp_path / "runs.sqlite").to_dict()
    assert json.loads(out)["layers"] == json.loads(json.dumps(right["layers"]))


def test_a_scheduler_without_workers_is_refused(empty):
    status, out, err = command(empty, "--samples", "50")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "has no workers; start some with `dask worker`" in err


def test_another_transport_than_that_of_the_scheduler_is_refused(empty):
    status, out, err = command(empty.replace("tcp:", "tls:"), "--samples", "50")
    assert "Traceback" not in err
    assert (status, out, err.count("\n")) == (2, "", 1)


@contextmanager
def service(banner):
    """Something else that listens on loopback, and greets whoever comes with its banner."""
    callers = []

    def greet(server):
        with suppress(OSError):
            while True:
                caller, _ = server.accept()
                callers.append(caller)
                caller.sendall(banner)

    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as stack:
        thread = threading.Thread(target=greet, args=(server,), daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for caller in callers:
            stack.enter_context(caller)


@pytest.mark.parametrize("banner", [b"", b"SSH-2.0-OpenSSH_9.6\r\n"], ids=["silent", "ssh"])
def test_what_listens_but_is_no_scheduler_is_refused(banner):
    """A port mistaken: refused soon, whether the service says nothing or something else."""
    with service(banner) as address:
        status, out, err = command(address, "--samples", "50", seconds=15)
    assert "Traceback" not in err
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert address in err


@pytest.mark.full
def test_a_worker_that_dies_loses_nothing(cluster, expected):
    """Killed after the first shards came back; the other one does its share again."""
    address, victim = cluster
    seen = []

    def progress(done, total, seconds):
        if done and not seen:
            os.killpg(victim.pid, signal.SIGKILL)
        if done:
            seen.append(done)

    with dask_cluster(address) as (executor, window):
        found = simulate(NETWORK, executor=executor, window=window, progress=progress, **OPTIONS)
    assert numbers(found) == expected
    assert seen[0] < SAMPLES == seen[-1]
    wait_until(lambda: threads_of(address) == 1)


@pytest.mark.full
def test_a_scheduler_that_dies_gets_one_line(tmp_path):
    """What the cluster computed is lost with it; the command says so instead of a traceback, or a wait."""
    store = tmp_path / "runs.sqlite"
    with scheduler(tmp_path) as address, worker(address, tmp_path):
        wait_until(lambda: threads_of(address) == 1)
        line = [sys.executable, "-m", "actlen", "simulate", "--widths", "64x3", "--weights", "rademacher"]
        process = subprocess.Popen(
            [*line, "--samples", "1000000000", "--dask", address, "--store", str(store)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: store.exists() and store.stat().st_size > 40_000)
    _, err = process.communicate(timeout=SECONDS)
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert process.returncode not in (0, 130)
