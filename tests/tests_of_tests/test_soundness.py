"""The measures of helpers/soundness.py object where they should; `ratio_law` is the law of a t-score."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from soundness import (
    POWER_RUNS,
    RUNS,
    average_score,
    both_signs,
    check_averages,
    check_conservative,
    check_p_values,
    check_power,
    check_size,
    check_uniform,
    outside_score,
    ratio_law,
)
from soundness_page import echoed, page, rows

COUNT, REPEATS = 400, 20_000


def exponential_scores(units):
    """Of averages of exponential numbers, expected so many standard errors too low."""
    values = np.random.default_rng(3).exponential(size=(REPEATS, COUNT))
    centred = values - 1 + units / COUNT**0.5
    return centred.mean(axis=1) / centred.std(axis=1) * COUNT**0.5


def predicted(units):
    """By `ratio_law`, from the moments of 200,000 exponential numbers: skewness 2, kurtosis 9."""
    values = np.random.default_rng(4).exponential(size=200_000)
    values -= values.mean()
    return ratio_law(values + units / COUNT**0.5, values**2, COUNT)


@pytest.mark.parametrize("units", [-6.0, 0.0, 6.0])
def test_the_law_of_a_score_is_that_of_second_order(units):
    """Mean and deviation to 0.04. Mutants at 6 units: a deviation of one, or the effect of the other sign."""
    found = exponential_scores(units)
    mean, deviation = predicted(units)
    assert found.mean() == pytest.approx(mean, abs=0.04)
    assert found.std() == pytest.approx(deviation, abs=0.04)
    if units:
        assert abs(found.std() - 1) > 0.15
        assert abs(found.std() - predicted(-units)[1]) > 0.15


def test_nine_in_ten_find_what_is_noticed():
    """Exponential numbers, either sign; 6.28 units are right for a score of variance one only."""
    values = np.random.default_rng(4).exponential(size=200_000) - 1
    unit = COUNT**-0.5
    for off in both_signs(5, COUNT, values - values.mean(), values**2):
        share = np.mean(np.abs(exponential_scores(off / unit)) > 5)
        assert share == pytest.approx(0.9, abs=0.01)
    found = [np.mean(np.abs(exponential_scores(units)) > 5) for units in (6.28, -6.28)]
    assert found[0] > 0.93
    assert found[1] < 0.87


def test_checks_of_p_values_object():
    """To scores that scatter a seventh too much, and to p-values that are too large or too small."""
    scores = np.random.default_rng(5).normal(size=RUNS)
    check_uniform("normal", scores)
    with pytest.raises(AssertionError):
        check_uniform("wide", 1.15 * scores)
    values = np.random.default_rng(6).uniform(size=RUNS)
    check_p_values("uniform", values)
    check_conservative("too large", values**0.95)
    for check, wrong in (
        (check_p_values, values**0.8),
        (check_p_values, values**1.2),
        (check_conservative, values**1.2),
    ):
        with pytest.raises(AssertionError):
            check("wrong", wrong)


def test_checks_of_power_and_size_object():
    random = np.random.default_rng(7).uniform(size=POWER_RUNS)
    check_power("nine in ten", random < 0.9)
    for share in (0.8, 0.98):
        with pytest.raises(AssertionError):
            check_power("not nine in ten", random < share)
    check_size("none", [False] * RUNS)
    with pytest.raises(AssertionError):
        check_size("one", [False] * (RUNS - 1) + [True])


def test_averages_of_too_heavy_tails_are_no_scores():
    """Pareto numbers of finite variance: the check of averages objects, and not to normal ones."""

    def pareto(run):
        return np.random.default_rng(run).pareto(2.2, size=50)

    check_averages("normal", lambda run: np.random.default_rng(run).normal(1, 1, 50), 1, 5)
    with pytest.raises(AssertionError):
        check_averages("pareto", pareto, 1 / 1.2, 5)


def test_scores_of_bounds_are_negative_inside():
    values = np.random.default_rng(8).normal(1, 1, 100)
    assert outside_score(values, 0.5, 1.5) < 0
    assert outside_score(values, 1.5, 2) == pytest.approx(-average_score(values, 1.5))
    assert outside_score(values, 0, 0.5) == pytest.approx(average_score(values, 0.5))


OUTPUT = """
tests/specs/test_a.py::test_soundness_of_means[1]{space}
mean: KS p = 0.520 over 2000 runs, smallest 1.0e-04
mean, off by +3.1 %, -3.0 %: power 0.905 over 400 runs
PASSED
tests/specs/test_a.py::test_soundness_of_jacobians{space}
jacobians: one-sided KS p = 0.982, smallest 1.1e-05
jacobians, distance 0.135: found in 0.950 of 400 runs
PASSED
tests/specs/test_b.py::test_soundness_of_bounds{space}
bounds: 0 of 2000 runs rejected
bounds, scales times 0.9: found in 0.300 of the specs
bounds, scales times 1.1: found in 0.200 of the specs
PASSED
""".format(space=" ")


def test_the_page_shows_what_was_printed():
    found = rows(OUTPUT.splitlines())
    assert [str(row) for row in found] == [
        "| mean | KS p = 0.520, smallest p 1.0e-04 | +3.1 %, -3.0 %: 0.905 |\n",
        "| jacobians | one-sided KS p = 0.982, smallest p 1.1e-05 | distance 0.135: 0.950 |\n",
        "| bounds | 0 of 2000 runs rejected | scales times 0.9: 0.300; scales times 1.1: 0.200 |\n",
    ]
    text = page(found)
    assert "3 rows. The smallest of 1 KS p-values is 0.520" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## specs/test_a.py",
        "## specs/test_b.py",
    ]


ROOT = Path(__file__).parents[2]
SCORES = r"\b(average_score|exact_score|difference_score|estimate_score|outside_score|ks_2samp|kstwo)\("


def unmeasured(texts, shown):
    """Test files that hold samples against something, and are not measured or not on the page."""
    scoring = {name for name, text in texts.items() if re.search(SCORES, text)}
    measured = {name for name, text in texts.items() if "def test_soundness_of_" in text}
    return sorted((scoring - measured) | (measured ^ shown))


def test_every_statistical_test_is_measured_and_on_the_page():
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    texts = {str(path.relative_to(ROOT / "tests")): path.read_text("utf-8") for path in files}
    shown = set(re.findall("^## (.*)$", (ROOT / "docs" / "soundness.md").read_text("utf-8"), re.MULTILINE))
    assert len(shown) > 20
    assert unmeasured(texts, shown) == []
    assert unmeasured(texts | {"new.py": "assert abs(average_score(x, 1)) < 5"}, shown) == ["new.py"]
    assert unmeasured(texts | {"new.py": "def test_soundness_of_means(): ..."}, shown) == ["new.py"]
    assert unmeasured(texts, shown | {"gone.py"}) == ["gone.py"]


@pytest.mark.parametrize(
    "end", ["= 1 failed, 2 passed in 9 s =", "= 2 passed, 1 error in 9 s =", "= no tests ran =", ""]
)
def test_a_run_that_did_not_pass_makes_no_page(end, capsys):
    assert list(echoed(["a\n", "= 2 passed in 9 s =\n", "\n"])) == ["a\n", "= 2 passed in 9 s =\n", "\n"]
    with pytest.raises(SystemExit, match="did not pass"):
        list(echoed(["a\n", end]))
    assert capsys.readouterr().err.startswith("a\n"), "what comes is shown"


def test_a_share_of_something_else_makes_no_page():
    with pytest.raises(ValueError, match="nothing that was measured"):
        rows(["tests/a.py::test_soundness ", "mean: power 0.905 over 400 runs"])
