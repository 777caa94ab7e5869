"""`actlen simulate` as its users meet it: JSON, table, progress, Ctrl-C, pipes, and refusals of one line.

What needs no process of its own runs in this one: status and streams come from the same function.
"""

from __future__ import annotations

import json
import math
import os
import pty
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from commands import COMMAND, ENVIRONMENT, started

from actlen import __main__ as command
from simulate.simulation import simulate
from theory.network import FullyConnected

# Shards of about 0.1 s: explicit weights of one bit each.
ENDLESS = ["--widths", "128x3", "--weights", "rademacher", "--samples", "1000000000", "--seed", "3"]
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for the workers in /proc")
ENDLESS_NETWORK = FullyConnected([128] * 3, weights="rademacher")


def start(*words, **options):
    return started("simulate", *words, **options)


@pytest.fixture
def run(monkeypatch, capfd):
    """The command in this process: status, output, errors."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["actlen", "simulate", *map(str, words)])
        status = command._status()
        out, err = capfd.readouterr()
        return status, out, err

    return call


def strict(text):
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_that_strict_is_strict():
    with pytest.raises(AssertionError, match="NaN is no JSON"):
        strict('{"value": NaN}')


# JSON.

KEYS = {"network", "method", "layers", "empirical_variance"}
KEYS |= {"seconds", "samples", "seed", "weights_per_second"}
NETWORKS = {
    "direct": ["--widths", "3,5,4", "--weights", "uniform", "--samples", "2000", "--covariance"],
    "splitting": ["--widths", "3,5,4", "--weights", "uniform", "--samples", "200", "--method", "splitting"],
    "conditional": ["--widths", "3,5,4", "--activation", "tanh", "--variance-gain", "1", "--samples", "2000"],
    "law": ["--widths", "3,5,4", "--samples", "2000"],
    "tilted law": ["--widths", "3,5,4", "--samples", "2000", "--method", "law", "--tilt", "1.5"],
    "one network": ["--widths", "3,5,4", "--samples", "1", "--covariance"],
    "all dead": ["--widths", "3,5,4", "--samples", "20", "--input=0,0,0"],
    "all dead, splitting": ["--widths", "3,4", "--samples", "40", "--input=0,0,0", "--method", "splitting"],
    "overflow": ["--widths", "3x200", "--variance-gain", "1e30", "--activation", "abs", "--samples", "50"],
    "underflow": ["--widths", "3x200", "--variance-gain", "1e-30", "--activation", "abs", "--samples", "50"],
    "infinite moments": ["--widths", "3,4", "--weights", "student_t:3", "--samples", "500"],
}


@pytest.mark.parametrize("words", NETWORKS.values(), ids=NETWORKS.keys())
def test_json_has_the_documented_keys(run, words):
    status, out, err = run(
        *words, "--order", "3" if "splitting" not in words else "2", "--json", "--seed", "7"
    )
    assert (status, err) == (0, "")
    found = strict(out)
    assert set(found) >= KEYS
    assert found["seed"] == 7
    assert found["samples"] == int(words[words.index("--samples") + 1])
    assert found["network"]["widths"] == [layer["width"] for layer in found["layers"]]
    assert [layer["index"] for layer in found["layers"]] == list(range(len(found["layers"])))
    for layer in found["layers"]:
        assert list(layer["moments"]) == ["1", "2", "3"][: len(layer["moments"])]
        for moment in layer["moments"].values():
            assert set(moment) >= {"value", "log", "standard_error", "samples", "seed"}
            assert (moment["samples"], moment["seed"]) == (found["samples"], 7)
            if moment["value"]:
                assert moment["log"] == pytest.approx(math.log(moment["value"]), abs=1e-9)


def test_json_is_what_the_function_says(run):
    network = FullyConnected([3, 5, 4], weights="uniform", bias_variance="1/10")
    words = ["--widths", "3,5,4", "--weights", "uniform", "--bias-variance", "1/10", "--threads", "1"]
    _, out, _ = run(*words, "--samples", "5000", "--seed", "9", "--covariance", "--json")
    found, right = strict(out), simulate(network, samples=5_000, seed=9, covariance=True).to_dict()
    for timing in ("seconds", "weights_per_second"):
        assert found.pop(timing) > 0
        right.pop(timing)
    assert found == json.loads(json.dumps(right))
    _, other, _ = run(*words, "--samples", "5000", "--seed", "10", "--covariance", "--json")
    assert strict(other)["covariance"] != found["covariance"]


def test_defaults(run):
    _, out, _ = run("--widths", "3,4", "--json")
    found = strict(out)
    assert (found["samples"], found["seed"], found["method"]) == (10_000, 0, "law")
    assert set(found["layers"][0]["moments"]) == {"1", "2"}


# Table and plot.


def layer_rows(out):
    """The lines of the table between its rule and the empty line below."""
    lines = out.splitlines()
    top = next(i for i, line in enumerate(lines) if set(line.strip()) == {"─"})
    return lines[top + 1 : next(i for i in range(top, len(lines)) if not lines[i].strip())]


TABLES = {
    "usual": ["--widths", "784,100x3,10", "--samples", "300"],
    "uniform": ["--widths", "3,4,5", "--weights", "uniform", "--samples", "2000"],
    "splitting": ["--widths", "3,4,5", "--weights", "uniform", "--samples", "200", "--method", "splitting"],
    "shrinking": ["--widths", "20x900", "--init", "xavier_normal", "--samples", "50"],
    "growing": ["--widths", "1000x900", "--variance-gain", "20", "--samples", "50"],
    "large": ["--widths", "3,4", "--input=1e200,1e200,3", "--samples", "500"],
    "high order": ["--widths", "3x5", "--order", "6", "--samples", "500"],
}


@pytest.mark.parametrize("words", TABLES.values(), ids=TABLES.keys())
def test_the_table_fits_80_columns_with_a_line_for_each_layer(run, words):
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    rows = layer_rows(out)
    assert [row.split()[0] for row in rows if not row.split()[0].isdigit()] in ([], ["..."])
    assert "…" not in out


def test_the_table_shows_prediction_estimate_and_method(run):
    _, out, _ = run("--widths", "3,4", "--weights", "uniform", "--samples", "20000", "--seed", "2")
    assert "method direct (explicit weight matrices); 20,000 networks, seed 2" in out
    assert layer_rows(out)[1].split()[2] == "1"
    _, out, _ = run("--widths", "3,4", "--samples", "2000")
    assert "reduced: uses a distributional identity" in out


def test_an_average_without_trust_is_marked(run):
    _, out, _ = run("--widths", "10,10x10", "--weights", "uniform")
    assert layer_rows(out)[-1].count("?") >= 1
    assert "not to be trusted" in out
    _, out, _ = run("--widths", "100,100", "--weights", "uniform")
    assert "?" not in layer_rows(out)[-1]


def test_a_number_below_the_range_of_floats_keeps_its_error(run):
    """E M = e^-2763 by 400 networks of two wide layers: 0.0 has an error of 0.0, the number has not."""
    _, out, _ = run("--widths", "1000x3", "--variance-gain", "1e-600", "--samples", "400")
    assert "%" in layer_rows(out)[-1] or "(" in layer_rows(out)[-1]


def test_an_empirical_variance_that_is_zero_needs_no_doubt(run):
    _, out, _ = run("--widths", "30,40", "--samples", "5000")
    assert "E EmpVar = 0\n" in out


def test_the_covariance_that_was_asked_for_is_shown(run):
    """Or refused without --json; but not passed over in silence."""
    _, without, _ = run("--widths", "3,4", "--samples", "500")
    status, out, err = run("--widths", "3,4", "--samples", "500", "--covariance")
    assert len(out.splitlines()) > len(without.splitlines()) or (status, "--json" in err) == (2, True)


@pytest.mark.parametrize("json_too", [True, False])
def test_plot_is_written(run, tmp_path, json_too):
    target = tmp_path / "layers.png"
    words = ["--widths", "10,20x3", "--samples", "200", "--plot", target]
    status, out, err = run(*words, *(["--json"] if json_too else []))
    assert (status, err) == (0, "")
    assert target.read_bytes().startswith(b"\x89PNG")
    assert out.startswith("{") == json_too


def test_a_plot_without_a_folder_is_refused_before_the_work(run, tmp_path):
    """A long run must not be lost for it."""
    start = time.perf_counter()
    words = ["--widths", "3,4", "--time-limit", "2", "--plot", tmp_path / "gone" / "x.png"]
    status, out, err = run(*words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert time.perf_counter() - start < 1.5


# Refusals.

NET = ["--widths", "3,4"]
SPLITTING = [*NET, "--method", "splitting"]
BAD = {
    "negative samples": ([*NET, "--samples", "-5"], "samples"),
    "no samples": ([*NET, "--samples", "0"], "samples"),
    "fractional samples": ([*NET, "--samples", "1.5"], "whole number"),
    "samples in words": ([*NET, "--samples", "abc"], "whole number"),
    "more samples than there is time": ([*NET, "--samples", "1" + "0" * 18], "samples"),
    "relative error 0": ([*NET, "--rel-error", "0"], "positive"),
    "negative relative error": ([*NET, "--rel-error", "-1"], "positive"),
    "relative error nan": ([*NET, "--rel-error", "nan"], "--rel-error"),
    "relative error of an infinite moment": (
        [*NET, "--rel-error", "0.1", "--weights", "student_t:5"],
        "E M^4",
    ),
    "time limit 0": ([*NET, "--time-limit", "0"], "positive"),
    "time limit inf": ([*NET, "--time-limit", "inf"], "--time-limit"),
    "unknown method": ([*NET, "--method", "spliting"], "'splitting'"),
    "law with uniform weights": ([*NET, "--method", "law", "--weights", "uniform"], "--method direct"),
    "law with biases": (
        [*NET, "--method", "law", "--bias-weights", "laplace", "--bias-variance", "1"],
        "--method direct",
    ),
    "conditional with laplace biases": (
        [*NET, "--method", "conditional", "--bias-weights", "laplace", "--bias-variance", "1"],
        "--method direct",
    ),
    "law of tanh": ([*NET, "--method", "law", "--activation", "tanh", "--variance-gain", "1"], "conditional"),
    "tanh with direct": (
        [*NET, "--method", "direct", "--activation", "tanh", "--variance-gain", "1"],
        "conditional",
    ),
    "tanh with uniform weights": (
        [*NET, "--weights", "uniform", "--activation", "tanh", "--variance-gain", "1"],
        "conditional",
    ),
    "splitting odd samples": ([*SPLITTING, "--samples", "50"], "multiple of 20"),
    "splitting few samples": ([*SPLITTING, "--samples", "20"], "such as 40"),
    "splitting without samples": ([*SPLITTING, "--time-limit", "1"], "--samples"),
    "splitting by precision": ([*SPLITTING, "--samples", "40", "--rel-error", "0.1"], "--samples"),
    "covariance of splitting": ([*SPLITTING, "--samples", "40", "--covariance"], "--covariance"),
    "fractional seed": ([*NET, "--seed", "1.5"], "--seed"),
    "seed in words": ([*NET, "--seed", "today"], "--seed"),
    "negative seed": ([*NET, "--seed", "-1"], "seed"),
    "long seed": ([*NET, "--seed", str(2**64)], "seed"),
    "order 0": ([*NET, "--order", "0"], "order"),
    "order 13": ([*NET, "--order", "13"], "order"),
    "dask nonsense": ([*NET, "--dask", "nonsense"], "tcp://HOST:PORT"),
    "dask without port": ([*NET, "--dask", "tcp://127.0.0.1"], "tcp://HOST:PORT"),
    "dask port too large": ([*NET, "--dask", "tcp://127.0.0.1:99999"], "tcp://HOST:PORT"),
    "dask to a host that is none": ([*NET, "--dask", "tcp://host.invalid:8786"], "dask scheduler"),
    "no workers": ([*NET, "--workers", "0"], "--workers"),
    "workers in words": ([*NET, "--workers", "many"], "--workers"),
    "no threads": ([*NET, "--threads", "0"], "threads"),
    "threads and workers": ([*NET, "--threads", "1", "--workers", "1"], "give one"),
    "workers and dask": ([*NET, "--workers", "1", "--dask", "tcp://127.0.0.1:9"], "give one"),
    "store in a missing folder": ([*NET, "--store", "no/such/folder/runs.sqlite"], "create it first"),
    "plot format": ([*NET, "--plot", "x.txt"], ".png"),
    "tilt with direct": ([*NET, "--method", "direct", "--tilt", "1"], "--method law"),
    "tilt with uniform weights": ([*NET, "--weights", "uniform", "--tilt", "1"], "--method law"),
    "negative tilt": ([*NET, "--method", "law", "--tilt", "-1"], "at least 0"),
    "covariance of a tilted sample": ([*NET, "--tilt", "1", "--covariance"], "--covariance"),
    "covariance of too many layers": (["--widths", "2x1500", "--covariance", "--json"], "at most 1,000"),
    "far too wide": (["--widths", "3,1000000000", "--method", "direct"], "too wide"),
    "far too wide, uniform": (["--widths", "3,1000000000", "--weights", "uniform"], "too wide"),
    "far too wide, splitting": (["--widths", "3,1000000000", *SPLITTING[2:], "--samples", "40"], "too wide"),
    "no widths": ([], "--widths"),
    "unknown option": ([*NET, "--sample", "5"], "--samples"),
}


@pytest.mark.parametrize("words, hint", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_status_two(run, monkeypatch, tmp_path, words, hint):
    monkeypatch.chdir(tmp_path)
    start = time.perf_counter()
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert err.startswith("actlen: ")
    assert err.count("\n") == 1
    assert len(err) < 300
    assert hint in err
    assert time.perf_counter() - start < 10
    assert list(tmp_path.iterdir()) == []


def test_a_refusal_in_a_process_of_its_own(tmp_path):
    """Among all, a scheduler that is not there, which dask would wait for."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
    process = start(*NET, "--dask", address, cwd=tmp_path)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert err.startswith(f"actlen: no Dask scheduler answers at {address} (")
    assert err.count("\n") == 1


@pytest.mark.full
def test_a_width_that_memory_cannot_hold_is_refused():
    """One normal number for each of 10^9 neurons takes 8 GB; the machine is lent 3 of them."""
    limited = "ulimit -v 3000000; exec " + " ".join([*COMMAND, "simulate"])
    words = "--widths 3,1000000000 --method conditional --samples 2"
    done = subprocess.run(
        ["bash", "-c", f"{limited} {words}"], capture_output=True, text=True, env=ENVIRONMENT, timeout=60
    )
    assert "Traceback" not in done.stderr
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


# Ctrl-C, terminals, pipes and helpers that die.


def wait_for_shards(path, number, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if path.exists():
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(path)) as connection:
                if connection.execute("SELECT count(*) FROM shards").fetchone()[0] >= number:
                    return
        time.sleep(0.02)
    raise AssertionError("no shards")


@pytest.mark.full
def test_ctrl_c_prints_what_was_computed_and_keeps_it(tmp_path):
    """The estimate is that of a prefix, to the bit."""
    path = tmp_path / "runs.sqlite"
    process = start(*ENDLESS, "--json", "--store", str(path))
    wait_for_shards(path, 3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "actlen: interrupted\n")
    found = strict(out)
    assert found["samples"] >= 2 * 16_384
    right = simulate(ENDLESS_NETWORK, samples=found["samples"], seed=3).to_dict()
    assert found["layers"] == json.loads(json.dumps(right["layers"]))
    wait_for_shards(path, found["samples"] // 16_384, seconds=1)


def workers_of(process):
    """The processes of its pool, not what watches over them."""
    names = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(n) for n in names if b"spawn_main" in Path(f"/proc/{n}/cmdline").read_bytes()]


def is_alive(number):
    """Neither gone nor waiting to be buried."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.full
@ON_LINUX
def test_ctrl_c_with_processes_stops_them_and_prints(tmp_path):
    """As a terminal does it: to the whole group, children included. Of ten shards most are merged."""
    path = tmp_path / "runs.sqlite"
    process = start(*ENDLESS, "--json", "--workers", "2", "--store", str(path))
    wait_for_shards(path, 10)
    workers = workers_of(process)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "actlen: interrupted\n")
    assert strict(out)["samples"] >= 6 * 16_384
    assert len(workers) == 2
    assert not any(map(is_alive, workers))


@pytest.mark.full
@ON_LINUX
def test_a_worker_that_is_killed_gets_one_line(tmp_path):
    """As by a system that runs out of memory; what was stored stays."""
    path = tmp_path / "runs.sqlite"
    process = start(*ENDLESS, "--workers", "1", "--store", str(path))
    wait_for_shards(path, 1)
    os.kill(workers_of(process)[0], signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert process.returncode not in (0, 130)
    wait_for_shards(path, 1)


@pytest.mark.full
def test_progress_on_a_terminal_and_none_of_it_in_the_output():
    """Networks are counted on standard error; Ctrl-C then prints the table of what there is."""
    ours, theirs = pty.openpty()
    process = start(*ENDLESS, stderr=theirs)
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
    assert "128,128x2; rademacher" in out
    assert "\x1b" not in out


def read_to_end(descriptor):
    with suppress(OSError):
        while os.read(descriptor, 4096):
            pass


@pytest.mark.fast_cases("*head -1")
@pytest.mark.parametrize(
    "words, kept", [("--widths 5x300 --json", "head -c 100"), ("--widths 5x20", "head -1")]
)
def test_a_closed_pipe_is_no_error(words, kept):
    line = f"{' '.join(COMMAND)} simulate {words} --samples 10 | {kept}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, timeout=60, env=ENVIRONMENT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) >= 30


def test_a_full_disk_for_the_output_is_said():
    with Path("/dev/full").open("w") as full:
        process = start(*NET, "--samples", "10", "--json", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err == "actlen: cannot write the output: No space left on device\n"
