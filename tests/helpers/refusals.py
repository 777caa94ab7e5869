"""What a call is refused with."""

from __future__ import annotations

import pytest

from theory.errors import SpecError


def refusal(function, *words, **named) -> str:
    """The one line; the test fails if the call is not refused, or with more than a line."""
    with pytest.raises(SpecError) as caught:
        function(*words, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)
