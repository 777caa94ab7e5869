"""When an average is doubted, and in which words: each threshold from a sample that lies just beside it.

The rules are those of the docstring of `simulate.estimates`; the samples are written out by hand.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from simulate.estimates import estimate_of_summary
from simulate.job import Job
from simulate.scaled import Averages, Lengths
from simulate.summary import Summary
from theory import FullyConnected

RARE = "decided by networks rarer than this sample; its error is not to be trusted; use --method splitting"


def moments(logs, order=2, weights="normal", tilt=0.0, powers=None):
    """Averages of one hidden layer with these logarithms of lengths."""
    row = np.asarray(logs, float)
    summary = Summary.of(Lengths.from_logs(np.stack([np.zeros(len(row)), row])), order)
    if powers is not None:
        summary = summary.tilted([Averages.of(Lengths.from_logs(power)) for power in powers])
    job = Job(FullyConnected([2, 2], weights=weights), "law" if tilt else "direct", 7, order, tilt=tilt)
    return estimate_of_summary(job, False, summary, 1.0).layers[1].moments


def notes(*args, **options):
    return [moment.note for moment in moments(*args, **options)]


# The networks that decide lie beyond the sample.


def spread(above, height, count=1000, below=0):
    """So many networks at e^height, so many at e^-5, the others at 1."""
    return np.repeat([-5.0, 0.0, height], [below, count - below - above, above])


@pytest.mark.parametrize("below", [0, 300])
@pytest.mark.parametrize(("height", "doubts"), [(1.75, 0), (1.90, 1), (3.55, 1), (3.75, 2)])
def test_an_upper_half_too_wide_for_the_sample_is_a_doubt(below, height, doubts):
    """5 % at e^h: the upper half has spread h/1.96, and E M^{2k} is decided 2 k h/1.96 deviations out.

    A thousand samples reach sqrt(2 log 1000) = 3.717: h = 1.821 for k = 2, h = 3.643 for k = 1. No single
    network has a tenth of the sum, since fifty share it.
    """
    first, second = notes(spread(50, height, below=below))
    assert [note is not None for note in (second, first)] == [doubts >= 1, doubts >= 2]


def test_a_larger_sample_reaches_further():
    """sqrt(2 log n) grows from 3.72 to 4.29 with n = 10,000: h = 3.75 lies beyond the first alone."""
    assert notes(spread(50, 3.75), order=1) == [RARE]
    assert notes(spread(500, 3.75, count=10_000), order=1) == [None]


def test_the_upper_half_ends_at_its_quantile_of_97_5_percent():
    """Of 1,000 networks the 975th: 25 at the top lie above it, 26 reach it."""
    assert notes(spread(25, 3.75), order=1) == [None]
    assert notes(spread(26, 3.75), order=1) == [RARE]


def test_of_a_sample_most_of_which_is_dead_no_spread_is_known():
    """The median is 0: no half to measure, and no network has a tenth of the sum."""
    assert notes(np.repeat([-np.inf, 3.0], [600, 400])) == [None, None]
    assert notes(np.full(50, -np.inf), order=1) == ["no network with a positive length was seen"]


# One network decides.


@pytest.mark.parametrize(("share", "doubted"), [(0.098, False), (0.102, True)])
@pytest.mark.parametrize("log_unit", [0.0, 2000.0])
def test_one_network_with_a_tenth_of_the_sum_of_fourth_powers_is_a_doubt_of_the_square(
    share, doubted, log_unit
):
    """E M^2 rests on the sum of M^4; of the sum of M^2 the same network has less than 1/300."""
    log = math.log(share / (1 - share) * 9_999) / 4
    first, second = notes(np.append(np.zeros(9_999), log) + log_unit)
    assert first is None
    assert second == (RARE if doubted else None)


@pytest.mark.parametrize("binary", [-40, 0, 40])
def test_the_share_of_one_network_does_not_depend_on_how_lengths_are_scaled(binary):
    """999 networks of 1/1024 and one of 1/8, in fractions of a power of two: 94 % of the squares are one."""
    fraction = np.array([[0.5] * 1000, [2.0**-10] * 999 + [0.125]])
    summary = Summary.of(Lengths(fraction, np.full((2, 1000), binary)), 1)
    job = Job(FullyConnected([2, 2]), "direct", 7, 1)
    assert estimate_of_summary(job, False, summary, 1.0).layers[1].moments[0].note == RARE


# Tilted samples.


def tilted(*values):
    """Weighted terms of E M and E M^2."""
    logs = np.log(np.array(values, float))
    rows = np.stack([np.zeros(len(logs)), logs])
    return notes(np.zeros(len(logs)), tilt=1.0, powers=[rows, 0 * rows])


def test_a_tilted_average_of_fewer_than_a_hundred_equal_terms_is_a_doubt():
    """(sum x)^2/sum x^2: 99 and 100 equal terms; 150 ones with a 10 (102.4) and with an 11 (95.6)."""
    assert tilted(*[3.0] * 99)[0] == RARE
    assert tilted(*[3.0] * 100) == [None, None]
    assert tilted(*[1.0] * 150, 10.0)[0] is None
    assert tilted(*[1.0] * 150, 11.0) == [RARE, None]


# Laws without the moments.


def test_a_tail_that_the_generator_cuts_is_noted_where_the_average_is_too_small():
    """student_t:5 loses 2^(-48/5) > 1/1000 of E w^4, student_t:6 2^-16; neither has the error of E M^2.

    So says docs/engine.md. A law whose tail is cut for k never has the moment 4k, so both are said.
    """
    sample = np.zeros(100)
    cut = moments(sample, weights="student_t:5")[1]
    assert cut.note == (
        "E M^4 is infinite for these weights, so the average of M^2 has no standard error; the generator's "
        "47 bits cut the tail of student_t where E M^2 needs it; the value is too small"
    )
    assert cut.standard_error is None
    whole = moments(sample, weights="student_t:6")[1]
    assert whole.note == "E M^4 is infinite for these weights, so the average of M^2 has no standard error"
    assert moments(sample, weights="student_t:5")[0].note is None


def test_a_moment_that_is_infinite_or_known_by_one_network_has_no_error():
    assert notes(np.zeros(9), weights="student_t:2.5", order=2)[1] == (
        "E M^2 is infinite for these weights; the average estimates nothing"
    )
    assert notes([0.5], weights="student_t:2.5") == ["one network has no standard error"] * 2


def test_the_input_is_exact_whatever_the_law():
    """M_0 is a number: no doubt, no error."""
    summary = Summary.of(Lengths.from_logs(np.zeros((2, 1))), 2)
    job = Job(FullyConnected([2, 2], weights="student_t:2.5"), "direct", 7, 2)
    found = estimate_of_summary(job, False, summary, 1.0).layers[0]
    assert [moment.note for moment in found.moments] == [None, None]


def test_one_layer_has_no_empirical_variance_to_doubt():
    """The variance of M_1 alone is 0 under any law; with two layers it rests on E M^4."""
    logs = np.zeros((3, 4))
    for depth in (1, 2):
        network = FullyConnected([2] * (depth + 1), weights="student_t:5")
        summary = Summary.of(Lengths.from_logs(logs[: depth + 1]), 1)
        found = estimate_of_summary(Job(network, "direct", 7, 1), False, summary, 1.0).empirical_variance
        assert (found.value, found.standard_error) == (0.0, 0.0)
        assert (found.note is None) is (depth == 1)


def test_an_empirical_variance_that_does_not_vary_is_known_to_be_what_it_is():
    """Two networks with 1 and 3: 1 in both, error 0."""
    for order in (1, 2):
        found = empirical(np.log([[1.0, 1.0], [1.0, 1.0], [3.0, 3.0]]), order=order)
        assert (found.value, found.standard_error, found.note) == (pytest.approx(1), pytest.approx(0), None)


def test_an_empirical_variance_rests_on_the_squares_in_every_layer():
    """One network decides E M_2^2, and no other layer; student_t:9 has E M^4, not E M^6."""
    heavy = np.zeros((3, 100))
    heavy[2, -1] = 5.0
    assert empirical(heavy).note == RARE
    assert empirical(heavy[[0, 2, 1]]).note == RARE
    assert empirical(np.zeros((3, 100)), weights="student_t:9").note is None


def empirical(logs, weights="normal", order=2):
    """E EmpVar of networks with these lengths."""
    job = Job(FullyConnected([2] * len(logs), weights=weights), "direct", 7, order)
    return estimate_of_summary(job, False, Summary.of(Lengths.from_logs(logs), order), 1.0).empirical_variance


def test_an_empirical_variance_that_varies_has_no_error_without_fourth_moments():
    """1 and 3 in one network, 2 and 2 in the other: mean 1/2, error 1/2 if the law has it."""
    rows = np.log([[1.0, 1.0], [1.0, 2.0], [3.0, 2.0]])
    for law, error in (("normal", 0.5), ("student_t:5", None)):
        job = Job(FullyConnected([2, 2, 2], weights=law), "direct", 7, 1)
        found = estimate_of_summary(job, False, Summary.of(Lengths.from_logs(rows), 1), 1.0)
        assert found.empirical_variance.value == pytest.approx(0.5)
        assert found.empirical_variance.standard_error == (None if error is None else pytest.approx(error))
        assert found.empirical_variance.samples == 2


# Speed.


def test_weights_per_second_of_a_run():
    """Five networks of 2 x 3 + 3 x 2 weights in half a second; in no time at all there is no rate."""
    summary = Summary.of(Lengths.from_logs(np.zeros((3, 5))), 1)
    job = Job(FullyConnected([2, 3, 2]), "direct", 7, 1)
    assert estimate_of_summary(job, False, summary, 0.5).weights_per_second == 5 * 12 / 0.5
    assert math.isnan(estimate_of_summary(job, False, summary, 0.0).weights_per_second)
