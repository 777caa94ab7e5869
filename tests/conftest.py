"""One Hypothesis profile for all tests: no deadline; in CI the same examples on every run."""

from __future__ import annotations

import os

import pytest
from flint import ctx
from hypothesis import settings

if os.environ.get("CI"):
    settings.register_profile("actlen", deadline=None, print_blob=True, derandomize=True, database=None)
else:
    settings.register_profile("actlen", deadline=None, print_blob=True)
settings.load_profile("actlen")


@pytest.fixture(autouse=True)
def _precision_stays_put():
    """No code may leave another global precision behind: balls elsewhere would change."""
    before = ctx.prec
    yield
    after, ctx.prec = ctx.prec, before
    assert after == before
