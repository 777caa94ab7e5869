"""Fuzzing the reader of statements and of families: refusals are ours, nothing crashes, hangs or runs."""

from __future__ import annotations

import builtins
import os
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofs_check import settle
from proofs_check.family import parse_family
from proofs_check.language.errors import StatementError
from proofs_check.language.meaning import check_meaning
from proofs_check.language.parse import MAX_CHARACTERS, parse
from theory.errors import SpecError

GOOD = [
    "E[M[d]**2] <= M[0]**2 * exp(5*sum(1/n[j], j, 1, d))",
    "E[M[d]] == M[0] + 1/2*sum(nu2[j], j, 1, d)",
    "0 <= E[EmpVar] <= 1/4*Var[M[d]]",
    "E[(M[1] - M[d])**2] != max(kappa, g, abs(-2)) + sqrt(log(3))",
    "E[M[d]**2] >= M[0]**2*prod(min(1+5/n[j], 1+(2*kappa-1)/n[j]), j, 1, d)",
    "E[M[L]] == M[0]*prod(1 + eta[l]**2*m[l,1]/m[l], l, 1, L)",
]
WORDS = (
    "E[ Var[ M[ n[ nu2[ nu4[ eta[ m[ ] ( ) , d L j kappa EmpVar sum( prod( exp( log( sqrt( abs( min( max( "
    "+ - * / ** == != <= >= < > = 0 1 2 0.5 999999999999 64 65 ^ ! __import__ lambda import eval( ' ; \\ { }"
)
# Letters and digits of other alphabets, and what terminals take for the end of a line.
STRANGE = (" ", "#", "\n", "\t", "\r", "\x00", "\x0b", '"', chr(0xE9), chr(0x661), chr(0x2028), chr(0x1F600))
TOKENS = (*WORDS.split(), *STRANGE)
OPTIONS = ("weights", "widths", "depth", "bias", "input", "network", "activation", "variance_gain", "scales")
TEXTS = "normal any 1..3 5..2 2 0 x relu 1/l finite:-1:1/2,1:1/2 residual 1e9 ones leaky_relu:0.1 any,any"
VALUES = TEXTS.split()
FAMILY = parse_family("widths=1..3; depth=1..3; bias=any")
LONGEST = 3.0


@st.composite
def mutated(draw):
    """A good statement with characters dropped, doubled, replaced or swapped for tokens."""
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(text) - 1)))
        cut = draw(st.integers(0, 3))
        text = text[:at] + draw(st.sampled_from(("", *TOKENS)) | st.text(max_size=2)) + text[at + cut :]
    return text


def refusal(action, *arguments, **options):
    """The refusal, None where there is none; any other exception fails the test, and so does slowness."""
    start = time.process_time()
    try:
        action(*arguments, **options)
    except SpecError as error:
        return error
    finally:
        assert time.process_time() - start < LONGEST
    return None


def understood(text):
    check_meaning(parse(text), FAMILY)


def is_read(text):
    """Whether the statement is read; where it is refused, the refusal is in our style."""
    error = refusal(understood, text)
    if error is None:
        return True
    assert len(str(error).splitlines()) == 1
    assert len(str(error)) < 600
    _check_caret(error, text)
    return False


def _check_caret(error, text):
    if isinstance(error, StatementError) and (caret := error.caret()) is not None:
        shown, mark = caret
        assert len(shown) <= 76 >= len(mark) - 1
        assert shown.isprintable()
        assert 1 <= error.column <= len(text) + 1


@pytest.mark.full
@given(st.text(max_size=200))
@settings(max_examples=300)
def test_random_text_is_refused_or_read(text):
    is_read(text)


@pytest.mark.full
@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
@settings(max_examples=600)
def test_random_tokens_are_refused_or_read(text):
    is_read(text)


@pytest.mark.full
@given(mutated())
@settings(max_examples=500)
def test_mutated_statements_are_refused_or_read(text):
    is_read(text)


@given(mutated())
@settings(max_examples=60)
def test_what_is_read_can_be_settled(text):
    if not is_read(text):
        return
    where = "widths=1..3; depth=1..3; bias=any"
    error = refusal(settle.settle, text, where, seconds=0.3, examples=0, corners=5)
    assert error is None or len(str(error).splitlines()) == 1


@pytest.mark.full
@given(st.sampled_from("([-+ \n"), st.integers(1, 3 * MAX_CHARACTERS))
@settings(max_examples=60)
def test_repetition_never_exhausts_the_stack(character, times):
    is_read(character * times + "1 == 1")
    is_read("1 == " + "E[" * times)
    is_read("1" + "+1" * times + " == 1")
    is_read("2" + "**2" * times + " == 1")


options = st.sampled_from(OPTIONS) | st.text(max_size=8)
values = st.sampled_from(VALUES) | st.text(max_size=8)


@given(st.lists(st.tuples(options, values).map("=".join), max_size=6).map(";".join) | st.text(max_size=60))
@settings(max_examples=300)
def test_random_families_are_refused_or_read(where):
    error = refusal(parse_family, where)
    assert error is None or len(str(error).splitlines()) == 1


HOSTILE = [
    "__import__('os').system('true') == 1",
    "eval('1') == 1",
    "exec(1) == 1",
    "open(1) == 1",
    "(lambda: 1)() == 1",
    "().__class__ == 1",
    "E[M[d]].__class__ == 1",
    "f'{1}' == 1",
    "1 if 1 else 2 == 1",
    "d.real == 1",
    "[x for x in y] == 1",
    "`id` == 1",
    "$(id) == 1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_of_the_text_is_ever_run(text, monkeypatch):
    def ran(*args, **kwargs):
        raise AssertionError("text was run")

    parse("1 == 1")
    for module, name in ((builtins, "eval"), (builtins, "exec"), (os, "system")):
        monkeypatch.setattr(module, name, ran)
    with pytest.raises(StatementError, match="cannot read the statement at"):
        parse(text)
