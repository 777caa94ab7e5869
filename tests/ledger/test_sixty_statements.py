"""Sixty statements: no false one proved, no true one refuted, all false and most true ones settled."""

from __future__ import annotations

import pytest
from sixty import FALSE, RANGES, TRUE

from proofs_check.settle import settle

PROVED_AT_LEAST = 25


def within(where):
    """The family with the ranges of all sixty, where it sets none itself."""
    given = {item.split("=")[0].strip() for item in where.split(";")}
    return "; ".join([*(item for item in RANGES.split("; ") if item.split("=")[0] not in given), where])


@pytest.fixture(scope="module")
def true_verdicts():
    return [settle(text, within(where)).verdict for text, where in TRUE]


@pytest.mark.full
def test_no_true_statement_is_refuted(true_verdicts):
    assert len(TRUE) == 30
    assert set(true_verdicts) <= {"proved", "supported", "inconclusive"}


@pytest.mark.full
def test_most_true_statements_are_proved(true_verdicts):
    assert true_verdicts.count("proved") >= PROVED_AT_LEAST


@pytest.mark.parametrize(("text", "where"), FALSE)
def test_every_false_statement_is_refuted(text, where):
    found = settle(text, within(where))
    assert found.verdict == "refuted"
    assert found.witness is not None


def test_false_ones_are_subtle():
    """Thirty of them, and each differs from the true ones."""
    assert len(FALSE) == 30
    assert not set(FALSE) & set(TRUE)
