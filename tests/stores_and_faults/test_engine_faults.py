"""`actlen simulate --store` under kills, damage and company: the right bits or a refusal, nothing else."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from commands import started

from actlen import __main__ as command
from simulate import job as job_module
from simulate import running
from simulate import store as store_module
from simulate.simulation import simulate
from theory.network import FullyConnected

NOBODY = 65_534
# 19 shards and a bit, of about 0.1 s on one thread: explicit weights of one bit each.
SHARDS, SAMPLES = 20, 19 * 16_384 + 100
HEAVY = ["--widths", "128x3", "--weights", "rademacher", "--samples", str(SAMPLES), "--seed", "5", "--json"]
LIGHT = ["--widths", "3,5,4", "--weights", "uniform", "--samples", "9000", "--seed", "5", "--json"]


def bits(output):
    """The JSON without the time that it took."""
    found = json.loads(output)
    assert found.pop("seconds") > 0
    assert found.pop("weights_per_second") > 0
    return found


def start(*words):
    return started("simulate", *words)


def finish(process):
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    return bits(out)


@pytest.fixture(scope="module")
def undisturbed():
    """By the function, from one thread; the same network and numbers as HEAVY."""
    network = FullyConnected([128] * 3, weights="rademacher")
    found = simulate(network, samples=SAMPLES, seed=5, threads=1).to_dict()
    return bits(json.dumps(found))


@pytest.fixture
def in_process(monkeypatch, capsys):
    """The command without a process of its own: status, output, errors."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["actlen", "simulate", *map(str, words)])
        status = command._status()
        out, err = capsys.readouterr()
        return status, out, err

    return run


def stored(path):
    """How many shards are in the file, seen from outside, which leaves it and its journal as they are.

    A reader may not undo what a killed writer left half done, so a file with such a journal is counted
    in a copy. The journal is copied first: to undo it in a file where it was undone changes nothing.
    """
    if not path.exists():
        return 0
    try:
        return counted(path, "ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
    journal = path.with_name(f"{path.name}-journal")
    with tempfile.TemporaryDirectory() as folder:
        with suppress(FileNotFoundError):  # a living process was first to undo it
            shutil.copy(journal, folder)
        return counted(Path(shutil.copy(path, folder)), "rw")


def counted(path, mode):
    with closing(sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=60)) as connection:
        return connection.execute("SELECT count(*) FROM shards").fetchone()[0]


def killed_at(path, moment, dice):
    """Starts the command and kills it: at any moment, or soon after it stored another shard."""
    process, before = start(*HEAVY, "--threads", "1", "--store", str(path)), stored(path)
    if moment == "blind":
        time.sleep(dice.uniform(0.3, 2.5))
    else:
        end = time.monotonic() + 60
        while process.poll() is None and stored(path) <= before and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(dice.uniform(0, 0.25))
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return stored(path)


def survives(path, kills, undisturbed):
    dice = random.Random(path.name)
    moments = ("blind" if turn % 3 == 0 else "seen" for turn in range(kills))
    counts = [killed_at(path, moment, dice) for moment in moments]
    assert counts == sorted(counts)
    assert any(0 < count < SHARDS for count in counts)
    assert finish(start(*HEAVY, "--threads", "1", "--store", str(path))) == undisturbed
    assert stored(path) == SHARDS
    assert [p.name for p in path.parent.iterdir() if not p.name.startswith(".actlen-")] == [path.name]


@pytest.mark.full
def test_four_kills(tmp_path, undisturbed):
    survives(tmp_path / "four.sqlite", 4, undisturbed)


@pytest.mark.slow
def test_twenty_kills(tmp_path, undisturbed):
    survives(tmp_path / "twenty.sqlite", 20, undisturbed)


@pytest.mark.full
def test_two_processes_share_a_store(tmp_path, undisturbed):
    """Both do all the work or find it done; shards that both computed have the same bytes."""
    path = tmp_path / "runs.sqlite"
    both = [start(*HEAVY, "--threads", "1", "--store", str(path)) for _ in range(2)]
    assert [finish(process) for process in both] == [undisturbed] * 2
    assert stored(path) == SHARDS


# Spoilt stores, without a process of their own.


@pytest.fixture
def path(tmp_path):
    """A sound store that holds LIGHT and one more job."""
    network = FullyConnected([3, 5, 4], weights="uniform")
    for seed in (5, 6):
        simulate(network, samples=9_000, seed=seed, store=tmp_path / "runs.sqlite")
    return tmp_path / "runs.sqlite"


@pytest.fixture
def right(in_process):
    status, out, err = in_process(*LIGHT)
    assert (status, err) == (0, "")
    return bits(out)


def snapshot(folder):
    return {p.name: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def refused(in_process, path):
    """Exit 2, one line, nothing printed, nothing changed; the line comes back."""
    before = snapshot(path.parent)
    status, out, err = in_process(*LIGHT, "--store", path)
    assert (status, out) == (2, "")
    assert err.startswith("actlen: cannot use the store ")
    assert err.count("\n") == 1
    assert snapshot(path.parent) == before
    return err


def execute(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def to_folder(path):
    path.unlink()
    path.mkdir()


def exchange(path):
    """Every shard gets the payload of the next one, the sums stay."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        rows = connection.execute("SELECT key, payload FROM shards").fetchall()
        for (key, _), (_, payload) in zip(rows, rows[1:] + rows[:1], strict=True):
            connection.execute("UPDATE shards SET payload = ? WHERE key = ?", (payload, key))


SPOILT = {
    "half of it": (lambda p: os.truncate(p, p.stat().st_size // 2), "damaged"),
    "empty": (lambda p: os.truncate(p, 0), "empty"),
    "text": (lambda p: p.write_text("width,moment\n3,4\n"), "not an SQLite file"),
    "another program's": (lambda p: execute(p, "PRAGMA application_id = 7"), "another program"),
    "newer format": (lambda p: execute(p, "PRAGMA user_version = 99"), "too new; update actlen"),
    "folder": (to_folder, "folder"),
    "damaged shard": (lambda p: execute(p, "UPDATE shards SET payload = payload || x'00'"), "SHA-256"),
    "shards exchanged": (exchange, "SHA-256"),
}


@pytest.mark.parametrize("spoil, words", SPOILT.values(), ids=SPOILT.keys())
def test_spoilt_stores_are_refused_and_left_alone(in_process, path, spoil, words):
    spoil(path)
    assert words in refused(in_process, path)


def test_a_folder_that_does_not_exist(in_process, tmp_path):
    assert "create it first" in refused(in_process, tmp_path / "gone" / "runs.sqlite")


@contextmanager
def unprivileged():
    """Root passes by all permission bits, so it becomes nobody; another user stays who it is."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("file_mode, folder_mode", [(0o444, 0o777), (0o666, 0o555)])
def test_read_only_stores_are_refused_and_left_alone(in_process, path, right, file_mode, folder_mode):
    """In a folder that nobody can reach (pytest's own belong to the user alone)."""
    with tempfile.TemporaryDirectory() as name:
        shared = Path(name) / "runs.sqlite"
        shutil.copy(path, shared)
        shared.chmod(file_mode)
        Path(name).chmod(folder_mode)
        try:
            with unprivileged():
                assert "read-only" in refused(in_process, shared)
        finally:
            Path(name).chmod(0o755)


@pytest.mark.full
def test_random_damage_is_refused_or_does_no_harm(in_process, path, right):
    """One bit anywhere, sixty times: the right bits, or exit 2 with one line."""
    sound, dice, outcomes = path.read_bytes(), random.Random(4), []
    for _ in range(60):
        spoilt = bytearray(sound)
        spoilt[dice.randrange(len(sound))] ^= 1 << dice.randrange(8)
        path.write_bytes(spoilt)
        status, out, err = in_process(*LIGHT, "--store", path)
        if status == 0:
            assert bits(out) == right
        else:
            assert (status, out, err.count("\n")) == (2, "", 1)
        outcomes.append(status)
    assert 0 in outcomes
    assert 2 in outcomes


def test_without_its_sum_an_exchanged_shard_would_give_wrong_bits(monkeypatch, in_process, path, right):
    """The mutant of the store trusts what it reads: seed 5 gets the networks of seed 6."""
    monkeypatch.setattr(store_module, "_intact", lambda *_: True)
    exchange(path)
    status, out, _ = in_process(*LIGHT, "--store", path)
    assert status == 0
    assert bits(out)["layers"] != right["layers"]


def test_what_is_stored_is_not_computed_again(monkeypatch, in_process, path, right):
    monkeypatch.setattr(running, "compute", lambda *_: pytest.fail("computed again"))
    status, out, _ = in_process(*LIGHT, "--store", path)
    assert status == 0
    assert bits(out) == right


def test_shards_of_an_older_version_of_the_streams_are_not_used(monkeypatch, in_process, path, right):
    """Nor are they lost: both versions live in the file."""
    before, computed, compute = stored(path), [], running.compute
    monkeypatch.setattr(job_module, "STREAMS_VERSION", job_module.STREAMS_VERSION + 1)
    monkeypatch.setattr(running, "compute", lambda *a: computed.append(a) or compute(*a))
    status, out, _ = in_process(*LIGHT, "--store", path)
    assert status == 0
    assert bits(out) == right
    assert computed
    assert stored(path) == before + len(computed)


def test_a_store_that_another_keeps_locked(monkeypatch, in_process, path):
    monkeypatch.setattr(store_module, "_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked" in refused(in_process, path)


def test_a_disk_that_fills_up_in_the_midst(monkeypatch, in_process, path, tmp_path):
    """SQLite reports a full disk at a later shard: exit 2, and what was stored stays."""
    put, calls = store_module.ShardStore.put, []

    def full(self, key, shard, payload):
        calls.append(shard)
        if len(calls) == 1:
            [(pages,)] = self._connection.execute("PRAGMA page_count")
            self._connection.execute(f"PRAGMA max_page_count = {pages}")
        put(self, key, shard, payload + bytes(100_000))

    monkeypatch.setattr(store_module.ShardStore, "put", full)
    before = stored(path)
    status, out, err = in_process(*LIGHT, "--samples", "9001", "--store", path)
    assert (status, out) == (2, "")
    assert "the disk is full" in err
    assert err.count("\n") == 1
    assert stored(path) == before
