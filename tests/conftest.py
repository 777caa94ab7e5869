"""One Hypothesis profile for all tests: no deadline; in CI the same examples on every run."""

from __future__ import annotations

import os

from hypothesis import settings

if os.environ.get("CI"):
    settings.register_profile("actlen", deadline=None, print_blob=True, derandomize=True, database=None)
else:
    settings.register_profile("actlen", deadline=None, print_blob=True)
settings.load_profile("actlen")
