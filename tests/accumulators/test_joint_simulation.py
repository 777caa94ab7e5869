"""`simulate --inputs` as a run: same bits anywhere, resumed, interrupted, refused; and its statistics."""

from __future__ import annotations

import json
import math
import os
import pty
import select
import signal
import sqlite3
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from fractions import Fraction

import numpy as np
import pytest
from commands import started

from actlen import __main__ as command
from simulate.joint_result import JointLengths, JointTable, _rank
from simulate.many_inputs import joint_lengths
from simulate.methods.joint import Joint
from simulate.running import Interrupted
from theory.network import FullyConnected

ROWS = np.array([[1.0, -2.0, 0.5], [-1.0, 2.0, -0.5], [0.0, 3.0, 1.0]])
NET = FullyConnected([3, 5, 4], weights="uniform", bias_variance="1/4")
# Leaves of one network: explicit weights of one bit each.
WIDE = FullyConnected([3, 2048, 2048], weights="rademacher")


@pytest.fixture
def run(monkeypatch, capfd):
    """The command in this process: status, output, errors."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["actlen", *map(str, words)])
        status = command._status()
        out, err = capfd.readouterr()
        return status, out, err

    return call


@pytest.fixture
def table(tmp_path):
    np.save(tmp_path / "x.npy", ROWS)
    return tmp_path / "x.npy"


def strict(text):
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_the_same_bits_for_any_threads_executor_and_cut():
    """Several shards, the last one cut off. Mutant: another seed."""
    found = joint_lengths(WIDE, ROWS, 150, threads=1).log_ratios
    assert np.array_equal(joint_lengths(WIDE, ROWS, 150, threads=3).log_ratios, found)
    with ThreadPoolExecutor(2) as executor:
        other = joint_lengths(WIDE, ROWS, 150, executor=executor, window=1).log_ratios
    assert np.array_equal(other, found)
    assert np.array_equal(joint_lengths(WIDE, ROWS, 70).log_ratios, found[:70])
    assert not np.array_equal(joint_lengths(WIDE, ROWS, 150, seed=1).log_ratios, found)


def counting(monkeypatch):
    """How many networks are computed, not read."""
    counts, leaf = [], Joint.leaf

    def counted(self, job, first, count):
        counts.append(count)
        return leaf(self, job, first, count)

    monkeypatch.setattr(Joint, "leaf", counted)
    return counts


def test_a_store_is_read_again_and_knows_its_inputs(tmp_path, monkeypatch):
    """Whole shards come back bit for bit; other inputs, rows in another order, or a seed are another job."""
    counts = counting(monkeypatch)
    path = tmp_path / "runs.sqlite"
    first = joint_lengths(WIDE, ROWS, 100, store=path).log_ratios
    drawn = sum(counts)
    again = joint_lengths(WIDE, ROWS, 100, store=path).log_ratios
    assert np.array_equal(first, again)
    assert (drawn, sum(counts)) == (100, 100)
    for rows, seed in ((ROWS[::-1], 0), (ROWS * 2, 0), (ROWS[:2], 0), (ROWS, 1)):
        before = sum(counts)
        joint_lengths(WIDE, rows, 50, seed, store=path)
        assert sum(counts) == before + 50


def test_an_interrupt_hands_over_the_networks_so_far(tmp_path, monkeypatch):
    """A prefix of the same bits; started again, only the rest is computed."""
    path = tmp_path / "runs.sqlite"

    def stop(done, total, seconds):
        if done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        joint_lengths(WIDE, ROWS, 2000, threads=1, store=path, progress=stop)
    part = stopped.value.estimate.log_ratios
    assert 64 <= len(part) < 2000
    whole = joint_lengths(WIDE, ROWS, len(part)).log_ratios
    assert np.array_equal(part, whole)
    counts = counting(monkeypatch)
    joint_lengths(WIDE, ROWS, len(part), threads=1, store=path)
    assert sum(counts) < len(part)


def test_a_time_limit_ends_it():
    found = joint_lengths(WIDE, ROWS, time_limit=0.3, threads=1)
    assert np.array_equal(found.log_ratios, joint_lengths(WIDE, ROWS, len(found.log_ratios)).log_ratios)


def test_tables_merge_in_order():
    one, two = JointTable(np.array([[1.0]])), JointTable(np.array([[2.0], [3.0]]))
    assert one.merged(two).log_ratios.tolist() == [[1.0], [2.0], [3.0]]


# Statistics.


def binomial_cdf(k, count, p):
    return sum(math.comb(count, i) * p**i * (1 - p) ** (count - i) for i in range(k + 1))


@pytest.mark.parametrize("count", [1, 5, 20, 101])
def test_intervals_of_quantiles_have_their_confidence(count):
    """By exact binomial sums: each side leaves out at most 1/40, and one rank less would leave more."""
    logs = np.arange(count, dtype=float)
    found = JointLengths(logs[:, None], 0).extreme(logs)
    for quantile in found.quantiles:
        p, outside = Fraction(quantile.probability), Fraction(1, 40)
        below = quantile.log_lower
        if below == -math.inf:
            assert binomial_cdf(0, count, p) > outside
        else:
            assert binomial_cdf(int(below), count, p) <= outside < binomial_cdf(int(below) + 1, count, p)
        above = quantile.log_upper
        if above == math.inf:
            assert 1 - binomial_cdf(count - 1, count, p) > outside
        else:
            assert (
                1 - binomial_cdf(int(above), count, p) <= outside < 1 - binomial_cdf(int(above) - 1, count, p)
            )
        assert below <= quantile.log <= above


def test_the_sample_quantile_is_the_least_value_with_enough_below():
    logs = np.random.default_rng(1).normal(size=37)
    ranked = np.sort(logs)
    for quantile in JointLengths(logs[:, None], 0).extreme(logs).quantiles:
        shares = np.array([np.mean(logs <= x) for x in ranked])
        assert quantile.log == ranked[np.argmax(shares >= quantile.probability)]


def test_means_far_outside_the_range_of_floats_and_their_errors():
    """Against plain floats after a shift; a heavy tail and a single network are named."""
    logs = np.log(np.random.default_rng(2).uniform(1, 2, size=500))
    plain = np.exp(logs)
    for shift in (0.0, 5000.0, -5000.0):
        mean = JointLengths(logs[:, None], 3).extreme(logs + shift).mean
        assert mean.log == pytest.approx(shift + math.log(plain.mean()), abs=1e-9)
        assert mean.relative_error == pytest.approx(
            plain.std(ddof=1) / plain.mean() / math.sqrt(500), rel=1e-6
        )
        assert mean.note is None
        strict(json.dumps(mean.to_dict()))
    heavy = JointLengths(logs[:, None], 3).extreme(np.append(logs, 9.0)).mean
    assert "rarer than this sample" in heavy.note
    assert "no standard error" in JointLengths(logs[:1, None], 3).extreme(logs[:1]).mean.note
    dead = JointLengths(logs[:, None], 3).extreme(np.full(9, -math.inf))
    assert (dead.mean.value, dead.quantiles[1].log) == (0.0, -math.inf)


def test_dead_networks_count_in_the_mean_and_the_quantiles():
    logs = np.array([-math.inf] * 30 + [0.0] * 70)
    found = JointLengths(logs[:, None], 0).extreme(logs)
    assert found.mean.value == pytest.approx(0.7)
    assert [q.log for q in found.quantiles] == [-math.inf, 0.0, 0.0]


# The command.


def test_json_and_table(run, table):
    """Figures of the library; the proved bounds beside them, and nothing where the law is not known."""
    words = ["simulate", "--widths", "3,5,4", "--inputs", table, "--samples", "400", "--seed", "5"]
    status, out, err = run(*words, "--json")
    assert (status, err) == (0, "")
    found = strict(out)
    joint = joint_lengths(FullyConnected([3, 5, 4]), ROWS, 400, 5)
    assert found["largest"] == json.loads(json.dumps(joint.extreme(joint.largest).to_dict()))
    assert found["smallest"] == json.loads(json.dumps(joint.extreme(joint.smallest).to_dict()))
    assert "input" not in found["network"]
    for name in ("largest", "smallest"):
        for sampled, proved in zip(
            found[name]["quantiles"], found["predicted"][name]["quantiles"], strict=True
        ):
            low, high = (float(proved["quantile"][end]) for end in ("lower", "upper"))
            assert low <= math.exp(sampled["log_upper"] or -math.inf)
            assert math.exp(-math.inf if sampled["log_lower"] is None else sampled["log_lower"]) <= high
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert "proved bounds" in out
    assert max(map(len, out.splitlines())) <= 80
    status, out, _ = run(*words, "--weights", "uniform", "--json")
    assert strict(out)["predicted"] is None


@pytest.mark.parametrize("extra", [["--network", "residual", "--width", "3", "--scales", "1/2x3"]])
def test_other_networks_and_one_sample(run, table, extra):
    branch = ["--branch-widths", "4"]
    words = ["simulate", *extra, *branch, "--inputs", table, "--samples", "1"]
    status, out, _ = run(*words, "--json")
    assert (status, strict(out)["largest"]["mean"]["standard_error"]) == (0, None)
    assert run(*words)[0] == 0


BAD = {
    "nan": (np.array([[1.0, 2, np.nan]]), "input 1 holds a number that is not finite"),
    "inf": (np.array([[1.0, 2, 3], [1, np.inf, 2]]), "input 2 holds a number that is not finite"),
    "width": (np.ones((2, 5)), "give 3 numbers a row"),
    "objects": (np.array([[1, "a", None]], object), "not a .npy file of numbers"),
    "no rows": (np.ones((0, 3)), "shape (0, 3)"),
    "no columns": (np.ones((3, 0)), "0 coordinates"),
    "three axes": (np.ones((2, 3, 1)), "two-dimensional"),
    "one axis": (np.ones(3), "two-dimensional"),
    "complex": (np.ones((2, 3), complex), "complex128"),
    "text": (np.array([["a", "b", "c"]]), "real numbers"),
    "zero": (np.array([[1.0, 2, 3], [0, 0, 0]]), "input 2 is zero"),
    "beyond doubles": (np.array([[1, 2, np.finfo(np.longdouble).max]], np.longdouble), "not finite"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_get_one_line_and_status_two(run, tmp_path, name):
    array, words = BAD[name]
    np.save(tmp_path / "bad.npy", array, allow_pickle=True)
    status, out, err = run("simulate", "--widths", "3,4", "--inputs", tmp_path / "bad.npy")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


@pytest.mark.parametrize("content, words", [(b"1 2 3\n", "not a .npy file"), (None, "No such file")])
def test_other_files_get_one_line_and_status_two(run, tmp_path, content, words):
    path = tmp_path / "x.npy"
    if content is not None:
        path.write_bytes(content)
    status, out, err = run("simulate", "--widths", "3,4", "--inputs", path, "--json")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


@pytest.mark.parametrize(
    "extra, words",
    [
        (["--gradients"], "--gradients has no part in it"),
        (["--covariance"], "--covariance has no part"),
        (["--order", "3"], "--order has no part"),
        (["--method", "splitting"], "--method has no part"),
        (["--method", "law"], "--method has no part"),
        (["--rel-error", "0.1"], "--rel-error has no part"),
        (["--tilt", "1"], "--tilt has no part"),
        (["--plot", "x.png"], "--plot has no part"),
        (["--input=1,2,3"], "one of its own"),
        (["--samples", "0"], "samples must be"),
        (["--samples", "1000000000"], "take fewer networks or inputs"),
        (["--threads", "2", "--workers", "2"], "give one"),
        (["--threads", "0"], "number of threads"),
        (["--time-limit", "-1"], "time limit"),
        (["--store", "/nonexistent/runs.sqlite"], "store"),
    ],
)
def test_options_that_do_not_apply_are_refused_not_ignored(run, table, extra, words):
    status, out, err = run("simulate", "--widths", "3,4", "--inputs", table, *extra)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_the_method_belongs_to_inputs(run):
    status, _, err = run("simulate", "--widths", "3,4", "--method", "joint")
    assert (status, err.count("\n")) == (2, 1)
    assert "--inputs" in err


def test_notes_of_gradients_name_no_method_that_has_none(run):
    """Splitting knows no gradients; without them it is still named."""
    words = ["simulate", "--widths", "10x11", "--weights", "uniform", "--samples", "1000"]
    with_gradients, without = run(*words, "--gradients")[1], run(*words, "--method", "direct")[1]
    assert "not to be trusted" in " ".join(with_gradients.split())
    assert "splitting" not in with_gradients
    assert "predict --gradients" in " ".join(with_gradients.split())
    assert "--method splitting" in " ".join(without.split())


def endless(table, *extra, **options):
    words = ["--widths", "3,2048,2048", "--weights", "rademacher", "--inputs", str(table)]
    return started("simulate", *words, "--samples", "1000000", *extra, **options)


@pytest.mark.full
def test_progress_on_a_terminal_then_ctrl_c_prints_and_keeps(table, tmp_path):
    """A bar on standard error alone; status 130; what is printed are the first networks, bit for bit."""
    ours, theirs = pty.openpty()
    store = tmp_path / "runs.sqlite"
    process = endless(table, "--json", "--store", str(store), stderr=theirs)
    os.close(theirs)
    seen, end = b"", time.monotonic() + 60
    while b" networks, " not in seen and time.monotonic() < end:
        if select.select([ours], [], [], 0.2)[0]:
            seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    drain = threading.Thread(target=read_to_end, args=(ours,), daemon=True)
    drain.start()
    out, _ = process.communicate(timeout=30)
    drain.join(5)
    os.close(ours)
    assert b" networks, " in seen
    assert process.returncode == 130
    found = strict(out)
    right = joint_lengths(WIDE, ROWS, found["samples"], store=store)
    assert found["largest"] == json.loads(json.dumps(right.extreme(right.largest).to_dict()))


def read_to_end(descriptor):
    with suppress(OSError):
        while os.read(descriptor, 4096):
            pass


def wait_for_a_shard(path, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists():
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path)) as store:
                if store.execute("SELECT count(*) FROM shards").fetchone()[0]:
                    return
        time.sleep(0.05)
    raise AssertionError("no shard")


@pytest.mark.full
def test_silent_in_a_pipe_and_interrupted_in_one_line(table, tmp_path):
    process = endless(table, "--store", str(tmp_path / "runs.sqlite"))
    wait_for_a_shard(tmp_path / "runs.sqlite")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "actlen: interrupted\n")
    assert "3 inputs under the same weights" in out


@pytest.mark.full
def test_predict_prints_the_bounds_and_valid_json(run):
    """Probability 1 and a single input have no finite number to show: null, never Infinity."""
    words = ["predict", "--widths", "10,8,8", "--quantiles", "0,0.5,1", "--dataset-size"]
    for size in ("1", "1000"):
        status, out, _ = run(*words, size, "--json")
        found = strict(out)
        assert status == 0
        assert [row["quantile"] for row in found["quantiles"]["at"]][::2] == [0.0, None]
        assert found["inputs"]["largest"]["quantiles"][2]["quantile"]["upper"] is None
        status, out, _ = run(*words, size)
        assert status == 0
        assert "P(some input dies)" in out
        assert max(map(len, out.splitlines())) <= 80
    assert found["inputs"]["fall_limit"] is not None
    status, out, err = run("predict", "--widths", "3,4", "--weights", "uniform", "--dataset-size", "10")
    assert (status, out, err.count("\n")) == (2, "", 1)
    status, _, err = run(
        "predict", "--network", "residual", "--width", "3", "--scales", "1", "--branch-widths", "3",
        "--dataset-size", "10",
    )  # fmt: skip
    assert (status, err.count("\n")) == (2, 1)
    assert "--dataset-size is known for fully connected nets" in err


@pytest.mark.parametrize("count", [1, 6, 40])
@pytest.mark.parametrize("p", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("share", [0.025, 0.975])
def test_ranks_are_the_least_that_a_binomial_number_exceeds_seldom_enough(share, count, p):
    """Of 0, ..., count, by the sum of the chances in fractions; 0 where no success is likely enough."""
    chance = Fraction(p)
    total, k = (1 - chance) ** count, 0
    while total < Fraction(share):
        k += 1
        total += math.comb(count, k) * chance**k * (1 - chance) ** (count - k)
    assert _rank(share, count, p) == k
