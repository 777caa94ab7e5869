"""Under which key a job is stored: what decides its bits is in it, in one order, and nothing else."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from contextlib import closing
from dataclasses import replace

import pytest

from simulate.job import STREAMS_VERSION, Job
from simulate.many_inputs import joint_lengths
from simulate.simulation import simulate
from simulate.store import ShardStore
from theory.network import FullyConnected

NET = FullyConnected([2, 3], weights="uniform")
PLAIN = Job(NET, "direct", 7, 2)
# What every key holds, whatever else is asked for.
BASE = {
    "network": NET.to_dict(),
    "method": "direct",
    "seed": 7,
    "order": 2,
    "covariance": False,
    "tilt": "0x0.0p+0",
    "particles": 0,
    "streams": STREAMS_VERSION,
}


def rows(path, table):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT * FROM {table}").fetchall()


def test_a_plain_job_asks_for_no_covariance_no_tilt_and_no_particles():
    assert PLAIN.describe() == BASE


def test_the_key_is_a_digest_of_the_description_in_the_order_of_its_names():
    text = json.dumps(BASE, sort_keys=True)
    assert (PLAIN.text, PLAIN.key) == (text, hashlib.sha256(text.encode()).hexdigest())


def test_stores_written_before_are_found_again():
    """The bits of a job are those of streams 2, so that a store from then holds it."""
    assert json.loads(PLAIN.text)["streams"] == 2
    assert PLAIN.key == hashlib.sha256(json.dumps(BASE | {"streams": 2}, sort_keys=True).encode()).hexdigest()


def test_a_read_out_belongs_to_gradients_alone():
    """Others do not look at it, and are found again whatever it was."""
    gradients = replace(PLAIN, method="gradients", readout="uniform")
    assert gradients.describe() == BASE | {"method": "gradients", "readout": "uniform"}
    assert replace(PLAIN, readout="uniform").key == PLAIN.key


def test_inputs_stand_in_the_key_by_their_number_and_a_digest_of_their_doubles():
    digest = hashlib.sha256(struct.pack("4d", 1.0, -2.0, 0.5, 3.0)).hexdigest()
    job = replace(PLAIN, inputs=((1.0, -2.0), (0.5, 3.0)))
    assert job.describe() == BASE | {"inputs": 2, "inputs_sha256": digest}


@pytest.mark.parametrize("method", ["direct", "law", "conditional"])
def test_a_simulation_is_kept_under_the_key_of_its_plain_job(tmp_path, method):
    network = FullyConnected([2, 3])
    simulate(network, method=method, samples=10, seed=7, store=tmp_path / "runs.sqlite")
    job = Job(network, method, 7, 2)
    assert rows(tmp_path / "runs.sqlite", "runs") == [(job.key, job.text)]


def test_many_inputs_are_kept_under_their_own_key_without_the_input_of_the_network(tmp_path):
    network = NET.replaced(input=[3, 4])
    joint_lengths(network, [[1, -2]], 10, 7, store=tmp_path / "runs.sqlite")
    [(key, _)] = rows(tmp_path / "runs.sqlite", "runs")
    assert key == Job(NET, "joint", 7, 1, inputs=((1.0, -2.0),)).key


def test_shards_of_the_first_version_of_the_streams_are_not_taken_for_ours(tmp_path):
    """Its bits were others: here those of seed 8, kept under the key that seed 7 had then."""
    ours, theirs, first = (tmp_path / name for name in ("ours", "theirs", "first"))
    for seed, path in ((7, ours), (8, theirs)):
        simulate(NET, method="direct", samples=10, seed=seed, store=path)
    [(key, text)], [(_, number, _, payload)] = rows(ours, "runs"), rows(theirs, "shards")
    old = json.dumps(json.loads(text) | {"streams": 1}, sort_keys=True)
    place = rows(ours, "shards")[0][0].removeprefix(key)
    with ShardStore(first) as store:
        store.put(hashlib.sha256(old.encode()).hexdigest() + place, number, payload)
    again = simulate(NET, method="direct", samples=10, seed=7, store=first)
    assert again.layers == simulate(NET, method="direct", samples=10, seed=7).layers
    assert again.layers != simulate(NET, method="direct", samples=10, seed=8).layers
