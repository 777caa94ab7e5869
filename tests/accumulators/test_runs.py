"""How a run is driven: the cut into shards, how many are under way, when it ends, what is said of failures.

Networks of one neuron, leaves of 4,096 of them; executors are played by classes whose order is known.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future

import pytest

from simulate import running, shards
from simulate.job import Job
from simulate.methods.choice import method_named
from simulate.running import Interrupted
from simulate.shards import Part, Shard, Shards, compute, unpack
from simulate.simulation import simulate
from simulate.store import ShardStore
from theory.errors import SpecError
from theory.network import FullyConnected

LEAF = 4096
ONE = FullyConnected([1, 1], weights="rademacher")
NORMAL = FullyConnected([3, 5, 4])


class KeepsTheFirst(Executor):
    """Does all work at once but that of the first shard, which waits until it is let go."""

    def __init__(self):
        self.submitted, self.kept = 0, None

    def submit(self, function, /, *args, **kwargs):
        future, self.submitted = Future(), self.submitted + 1
        if self.submitted == 1:
            self.kept = lambda: future.set_result(function(*args, **kwargs))
        else:
            future.set_result(function(*args, **kwargs))
        return future


def watched(rounds, **options):
    """A run whose first shard comes after so many rounds: shards handed over and seconds, by rounds."""
    executor, seen = KeepsTheFirst(), []

    def progress(done, total, seconds):
        seen.append((executor.submitted, seconds))
        if len(seen) == rounds:
            executor.kept()

    found = simulate(ONE, executor=executor, shard_leaves=1, progress=progress, **options)
    return found, seen[:rounds]


@pytest.mark.parametrize(("options", "ahead"), [({"window": 1}, 1), ({"window": 4}, 4), ({"threads": 3}, 6)])
def test_no_more_than_a_window_of_shards_is_ahead(options, ahead):
    """Those that came back too early count; without a window, two shards a thread."""
    found, seen = watched(2, samples=20 * LEAF, **options)
    assert [submitted for submitted, _ in seen] == [ahead, ahead]
    assert found.samples == 20 * LEAF


def test_progress_is_told_some_ten_times_a_second_while_nothing_comes_back():
    _, seen = watched(3, samples=LEAF + 1, window=1)
    assert 0.1 < seen[2][1] < 3


def test_an_executor_of_others_finishes_a_shard_before_the_time_limit_counts():
    found, _ = watched(2, samples=20 * LEAF, window=1, time_limit=0.01)
    assert found.samples == LEAF


def test_an_estimate_knows_how_long_it_took():
    start = time.perf_counter()
    found = simulate(ONE, samples=10)
    assert 0 < found.seconds <= time.perf_counter() - start
    assert found.weights_per_second == pytest.approx(10 / found.seconds)


def test_what_the_store_holds_is_taken_up_in_one_round(tmp_path):
    options = {"samples": 6 * LEAF, "shard_leaves": 1, "store": tmp_path / "runs.sqlite", "threads": 4}
    simulate(ONE, **options)
    rounds = []
    simulate(ONE, progress=lambda done, *_: rounds.append(done), **options)
    assert rounds == [6 * LEAF]


def test_without_a_precision_the_job_decides_the_cut(tmp_path):
    """Whatever is stored is found again by the next run: one shard holds these six leaves."""
    simulate(ONE, method="direct", samples=6 * LEAF, store=tmp_path / "runs.sqlite")
    with ShardStore(tmp_path / "runs.sqlite") as store:
        size = Shards.of(Job(ONE, "direct", 0, 2))
        assert store.shards(f"{Job(ONE, 'direct', 0, 2).key}:{LEAF}:{size.leaves}:{6 * LEAF}") == [0]


# The end of a run.


@pytest.mark.parametrize("order", [1, 3])
def test_a_precision_met_exactly_ends_the_run_and_one_missed_by_a_bit_does_not(order):
    """Of E M_d^order alone: lower orders and earlier layers are more precise. Leaf by leaf at first."""
    options = {"method": "law", "seed": 2, "order": order, "threads": 1}
    error = simulate(NORMAL, samples=LEAF, **options).layers[-1].moments[-1].relative_error
    assert simulate(NORMAL, rel_error=error, **options).samples == LEAF
    assert simulate(NORMAL, rel_error=math.nextafter(error, 0), **options).samples == 2 * LEAF


def test_the_precision_is_looked_at_between_the_shards_that_are_asked_for():
    options = {"method": "law", "rel_error": 0.5, "threads": 1}
    assert simulate(NORMAL, shard_leaves=4, **options).samples == 4 * LEAF


def test_the_precision_is_looked_at_after_powers_of_two_and_halfway_between():
    asked = [number for number in range(1, 100) if running._asked(number)]
    assert asked == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96]


def interrupt(*_):
    raise KeyboardInterrupt


class Queue(Executor):
    """Begins with its first task when all others have been taken back."""

    def __init__(self):
        self.tasks = []

    def submit(self, function, /, *args, **kwargs):
        self.tasks.append(Task(self, lambda: function(*args, **kwargs)))
        return self.tasks[-1]


class Task(Future):
    """One place in a queue."""

    def __init__(self, queue, work):
        super().__init__()
        self.queue, self.work = queue, work

    def cancel(self):
        cancelled, (first, *others) = super().cancel(), self.queue.tasks
        if all(task.cancelled() for task in others) and first.set_running_or_notify_cancel():
            first.set_result(first.work())
        return cancelled


def test_ctrl_c_waits_for_a_first_shard_that_has_not_begun_and_drops_the_others():
    with pytest.raises(Interrupted) as caught:
        simulate(ONE, samples=9 * LEAF, executor=Queue(), window=3, shard_leaves=1, progress=interrupt)
    assert caught.value.estimate.samples == LEAF


def test_ctrl_c_waits_for_others_no_longer_than_some_seconds(monkeypatch):
    monkeypatch.setattr(running, "_PATIENCE", 0.15)
    start = time.perf_counter()
    with pytest.raises(Interrupted) as caught:
        simulate(ONE, samples=LEAF, executor=KeepsTheFirst(), window=1, progress=interrupt)
    assert caught.value.estimate is None
    assert 0.15 < time.perf_counter() - start < 4


def test_what_waits_when_a_shard_fails_is_not_computed(monkeypatch):
    """One thread: it may have taken up the second of eight shards by then, or one more, before it hears."""
    begun = []

    def fails(job, shard, stopped):
        begun.append(shard.number)
        if shard.number == 0:
            raise MemoryError
        while not stopped():
            time.sleep(0.02)
        return Part(shard.count, b"")

    monkeypatch.setattr(running, "compute", fails)
    with pytest.raises(SpecError, match="the networks do not fit in memory; give fewer --threads"):
        simulate(ONE, samples=8 * LEAF, shard_leaves=1, threads=1, window=8)
    assert len(begun) < 5


# Lost workers.


class Fails(Executor):
    """Every task ends with this error."""

    def __init__(self, error):
        self.error = error

    def submit(self, function, /, *args, **kwargs):
        future = Future()
        future.set_exception(self.error)
        return future


def failure(error):
    """How a run on such an executor ends."""
    with pytest.raises(type(error) if type(error) is Odd else SpecError) as caught:
        simulate(ONE, samples=10, executor=Fails(error), window=1)
    return str(caught.value)


class Odd(Exception):
    """Told of a mistake in our own code."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x" * 120, "x" * 120),
        ("x" * 121, "x" * 120),
        ("a worker\n  ended", "a worker ended"),
        ("", "BrokenExecutor"),
    ],
)
def test_lost_workers_are_told_of_in_one_short_line(text, shown):
    assert failure(BrokenExecutor(text)).startswith(f"the workers are gone ({shown}); start again")


def test_a_task_that_others_cancelled_is_lost_too():
    assert failure(CancelledError()).startswith("the workers are gone (CancelledError)")


@pytest.mark.parametrize("module", ["distributed", "distributed.scheduler"])
def test_what_a_cluster_raises_is_told_in_one_line(module):
    error = type("KilledWorker", (Exception,), {"__module__": module})("three times")
    assert failure(error).startswith("the workers are gone (three times)")


@pytest.mark.parametrize("module", ["simulate", "distributedly", "simulate.distributed"])
def test_mistakes_of_our_own_are_not_told_as_lost_workers(monkeypatch, module):
    monkeypatch.setattr(Odd, "__module__", module)
    assert failure(Odd("why")) == "why"


# Shards.


def cut(samples, count=5):
    """The first shards of 4 networks in leaves of 2."""
    return [Shards(2, 2).shard(number, samples) for number in range(count)]


def test_shards_end_with_the_samples():
    first, second = Shard(0, 0, 4, 2), Shard(1, 4, 4, 2)
    assert cut(8, 3) == [first, second, None]
    assert cut(9, 4) == [first, second, Shard(2, 8, 1, 2), None]
    assert cut(3, 2) == [Shard(0, 0, 3, 2), None]
    assert cut(None)[4] == Shard(4, 16, 4, 2)


JOBS = {
    "many leaves": Job(ONE, "splitting", 0, 1, particles=2),
    "some leaves": Job(ONE, "direct", 0, 2),
    "one leaf": Job(FullyConnected([1, 40_000, 40_000]), "direct", 0, 2),
}


@pytest.mark.parametrize("name", JOBS)
def test_a_shard_has_as_many_leaves_as_fit_into_its_work(name):
    """A power of two: twice as many would be too much work, or more leaves than any shard has."""
    job, found = JOBS[name], Shards.of(JOBS[name])
    work = method_named(job.method).work(job) * found.size
    assert found.leaf == method_named(job.method).leaf_size(job)
    assert found.leaves in {2**k for k in range(20)}
    assert work <= shards._SHARD_WORK or found.leaves == 1
    assert 2 * work > shards._SHARD_WORK or found.leaves == shards._MOST_LEAVES
    assert (found.leaves == shards._MOST_LEAVES) == (name == "many leaves")
    assert (found.leaves == 1) == (name == "one leaf")


def test_a_cut_that_is_asked_for_is_taken():
    assert Shards.of(JOBS["one leaf"], 64).leaves == 64


def parts(count, stopped=None):
    """Networks done, and of every subtree the level and networks, of a shard of leaves of 4."""
    job = JOBS["some leaves"]
    part = compute(job, Shard(0, 100, count, 4), stopped)
    return part.count, [(level, record.count) for level, record in unpack(job, part.payload)]


def test_a_level_counts_the_doublings_of_a_leaf():
    """Three leaves, of 4, 4 and 2: the first two are joined. A store keeps the levels, so they must stay."""
    assert parts(10) == (10, [(1, 8), (0, 2)])
    assert parts(16) == (16, [(2, 16)])
    assert parts(3) == (3, [(0, 3)])


def test_a_shard_told_to_stop_hands_over_the_leaves_done_at_least_one():
    assert parts(10, lambda: True) == (4, [(0, 4)])
    calls = iter([False, True])
    assert parts(100, lambda: next(calls)) == (8, [(1, 8)])
    assert parts(10, lambda: False) == (10, [(1, 8), (0, 2)])
