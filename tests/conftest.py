"""For all tests: one Hypothesis profile, precision that stays put, no command left running, fast cases.

No deadline, because machines are shared; in CI the same examples on every run.
"""

from __future__ import annotations

import os
import signal

import pytest
from classes import COLLECTED, mark_full_cases
from commands import end_what_was_started
from flint import ctx
from hypothesis import settings

if os.environ.get("CI"):
    settings.register_profile("actlen", deadline=None, print_blob=True, derandomize=True, database=None)
else:
    settings.register_profile("actlen", deadline=None, print_blob=True)
settings.load_profile("actlen")

# A job in the background of a shell ignores Ctrl-C, and so would the commands that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _precision_stays_put():
    """No code may leave another global precision behind: balls elsewhere would change."""
    before = ctx.prec
    yield
    after, ctx.prec = ctx.prec, before
    assert after == before


@pytest.fixture(autouse=True)
def _no_command_outlives_its_test():
    yield
    end_what_was_started()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    mark_full_cases(items)
    config.stash[COLLECTED] = list(items)
