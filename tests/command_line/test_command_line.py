"""The command line as its users meet it: output, JSON, exit status, error style, start-up."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import pytest
from commands import COMMAND, in_a_process
from commands import in_this_process as run


def predicted(*words):
    done = run("predict", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("widths", "value"),
    [("10,10,20,30,40", "0.19970703125"), ("10,40,30,20,10", "0.27099609375")],
)
def test_the_order_of_widths_matters_for_the_empirical_variance(widths, value):
    found = predicted("--widths", widths, "--init", "he_normal")["empirical_variance"]
    assert Fraction(found["exact"]) == Fraction(value)


def test_json_has_the_documented_keys():
    found = predicted("--widths", "3,2x2,1", "--order", "3")
    assert set(found) == {
        "network",
        "kurtosis",
        "layers",
        "second_moment_bounds",
        "empirical_variance",
        "failure_modes",
    }
    assert [layer["width"] for layer in found["layers"]] == [3, 2, 2, 1]
    assert set(found["layers"][1]) == {"index", "width", "moments", "variance"}
    assert set(found["layers"][1]["moments"]) == {"1", "2", "3"}
    assert {"c", "C", "lower", "upper"} <= set(found["second_moment_bounds"])
    assert {"fm1", "fm2"} == set(found["failure_modes"])


@pytest.mark.full
def test_long_fractions_become_enclosures_unless_exact_is_asked():
    widths = ",".join(str(n) for n in range(1000, 2400))
    enclosed = predicted("--widths", widths, "--weights", "uniform")["layers"][-1]["moments"]["2"]
    exact = predicted("--widths", widths, "--weights", "uniform", "--exact")
    fraction = exact["layers"][-1]["moments"]["2"]["exact"]
    assert len(fraction) > 8_000
    sys.set_int_max_str_digits(0)
    lower, upper = Fraction(enclosed["lower"]), Fraction(enclosed["upper"])
    assert lower <= Fraction(fraction) <= upper
    assert upper - lower < lower * Fraction(1, 10**28)


def test_xavier_halves_the_mean_and_fm1_names_the_layer():
    modes = predicted("--widths", "64x6", "--init", "xavier_normal")["failure_modes"]
    assert modes["fm1"]["fails"] is True
    assert modes["fm1"]["first_layer"] == 4
    assert [f["exact"] for f in modes["fm1"]["factors"]] == ["1/2"] * 5


def test_thresholds_are_options():
    narrow = ("--widths", "10,2,2,2")
    assert predicted(*narrow)["failure_modes"]["fm2"]["fails"] is True
    assert predicted(*narrow, "--fm2-threshold", "100")["failure_modes"]["fm2"]["fails"] is False


def test_zero_input_is_legal():
    found = predicted("--widths", "2,4,5", "--input=0,0", "--bias-variance", "1")
    assert [layer["moments"]["1"]["exact"] for layer in found["layers"]] == ["0", "1/2", "1"]
    assert found["failure_modes"]["fm1"]["fails"] is None


def test_input_file_and_spec_file(tmp_path):
    vector = tmp_path / "x.npy"
    np.save(vector, np.array([1.0, -2.0, 0.5]))
    spec = tmp_path / "net.toml"
    spec.write_text('widths = [3, 4]\nweights = "uniform"\ninput = ["1", "-2", "1/2"]\n')
    by_file = predicted("--widths", "3,4", "--weights", "uniform", "--input-file", str(vector))
    assert by_file["layers"] == predicted("--spec", str(spec))["layers"]
    assert by_file["layers"][0]["moments"]["1"]["exact"] == "7/4"


def test_plot_is_written(tmp_path):
    target = tmp_path / "layers.png"
    done = run("predict", "--widths", "10,20x5", "--plot", str(target))
    assert done.returncode == 0, done.stderr
    assert target.read_bytes().startswith(b"\x89PNG")


BAD = {
    "width zero": ("predict", "--widths", "3,0"),
    "negative width": ("predict", "--widths=-3,2"),
    "fractional width": ("predict", "--widths", "2.5,3"),
    "no widths": ("predict",),
    "empty widths": ("predict", "--widths", ""),
    "one width": ("predict", "--widths", "5"),
    "far too deep": ("predict", "--widths", "5x1000000000000"),
    "far too wide": ("predict", "--widths", "3,9999999999999999"),
    "short input": ("predict", "--widths", "3,4", "--input=1,2"),
    "nan input": ("predict", "--widths", "2,4", "--input=1,nan"),
    "infinite input": ("predict", "--widths", "2,4", "--input=1,inf"),
    "two inputs": ("predict", "--widths", "2,4", "--input=1,1", "--input-file", "x.npy"),
    "no such file": ("predict", "--widths", "2,4", "--input-file", "missing.npy"),
    "zero gain": ("predict", "--widths", "3,4", "--variance-gain", "0"),
    "negative gain": ("predict", "--widths", "3,4", "--variance-gain=-2"),
    "negative bias variance": ("predict", "--widths", "3,4", "--bias-variance=-1"),
    "infinite moment": ("predict", "--widths", "3,4", "--weights", "student_t:5", "--order", "3"),
    "asymmetric law": ("predict", "--widths", "3,4", "--weights", "finite:-1:1/2,2:1/2"),
    "probabilities": ("predict", "--widths", "3,4", "--weights", "finite:-1:1/4,1:1/4"),
    "order zero": ("predict", "--widths", "3,4", "--order", "0"),
    "order too large": ("predict", "--widths", "3,4", "--order", "13"),
    "order in words": ("predict", "--widths", "3,4", "--order", "two"),
    "unknown law": ("predict", "--widths", "3,4", "--weights", "normale"),
    "unknown activation": ("predict", "--widths", "3,4", "--activation", "rellu"),
    "unknown init": ("predict", "--widths", "3,4", "--init", "he_norml"),
    "init and weights": ("predict", "--widths", "3,4", "--init", "he_normal", "--weights", "normal"),
    "init and gain": ("predict", "--widths", "3,4", "--init", "he_normal", "--variance-gain", "2"),
    "unknown mode": ("predict", "--widths", "3,4", "--mode", "fanin"),
    "unknown option": ("predict", "--widht", "3,4"),
    "unknown command": ("predct",),
    "unknown network": ("predict", "--widths", "3,4", "--network", "recurrent"),
    "plot format": ("predict", "--widths", "3,4", "--plot", "x.docx"),
    "plot folder": ("predict", "--widths", "3,4", "--plot", "no/such/folder/x.png"),
    "unknown claim": ("verify", "--only", "fm1"),
    "thresholds": ("predict", "--widths", "3,4", "--fm2-threshold", "0"),
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_line_and_status_two(words, tmp_path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("actlen: ")
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def as_told(done):
    return done.returncode, done.stdout, done.stderr


PLAIN = {
    "help": ["--help"],
    "a table": ["predict", "--widths", "784,100x20,10", "--order", "4", "--bias-variance", "1/100"],
    "JSON": ["predict", "--widths", "10,10,20,30,40", "--init", "he_normal", "--json"],
    "one claim": ["verify", "--list"],
    "a refusal": BAD["unknown init"],
    "an unknown option": BAD["unknown option"],
}


@pytest.mark.fast_cases("help", "JSON", "a refusal")
@pytest.mark.parametrize("words", PLAIN.values(), ids=PLAIN)
def test_a_process_tells_what_the_function_tells(words):
    """What the other tests rest on, which call the function. Mutant: another command."""
    assert as_told(in_a_process(*words)) == as_told(run(*words))
    assert as_told(run(*words)) != as_told(run("derive"))


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (BAD["unknown law"], "'normal'"),
        (BAD["unknown activation"], "'relu'"),
        (BAD["unknown init"], "'he_normal'"),
        (BAD["unknown mode"], "'fan_in'"),
        (BAD["infinite moment"], "--order 2"),
        (BAD["unknown claim"], "'fm1-mean'"),
        (BAD["unknown option"], "--widths"),
    ],
)
def test_errors_say_what_to_do(words, hint):
    assert hint in run(*words).stderr


def test_a_closed_pipe_is_no_error():
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m actlen predict --widths 5x1500 --json | head -c 100"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert len(done.stdout) == 100


def test_a_table_in_a_pipe_fits_80_columns():
    done = run("predict", "--widths", "784,100x20,10", "--order", "4", "--bias-variance", "1/100")
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.full
def test_interrupt_keeps_what_is_settled():
    process = subprocess.Popen(
        [*COMMAND, "verify"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "interrupted before the rest" in out or out == ""


HEAVY = ("sympy", "numba", "scipy.stats", "matplotlib", "hypothesis", "lark", "torch")


@pytest.mark.parametrize(
    "words", [["--help"], ["predict", "--widths", "784,100x20,10", "--init", "he_normal"]]
)
def test_start_up_loads_nothing_heavy(words):
    script = (
        "import sys, io, contextlib\n"
        f"sys.argv = ['actlen', *{words!r}]\n"
        "from actlen.__main__ import _status\n"
        "with contextlib.redirect_stdout(io.StringIO()): _status()\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_help_lists_the_commands():
    out = in_a_process("--help").stdout
    assert "predict" in out
    assert "verify" in out
