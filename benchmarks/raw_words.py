"""`python -m benchmarks.raw_words | dieharder -a -g 200`: the engine's random words as it uses them.

Replicates 0, 1, 2, ... of one seed, each with its 16 lanes interleaved as a layer reads them, and no
more words from each than a small network takes, so that a test battery sees steps within a stream,
between lanes and between replicates. The result stands in docs/engine.md.
"""

from __future__ import annotations

import sys
from itertools import count

import numpy as np

from simulate.kernels.streams import LANES, fill_states, fill_words

_WORDS_A_LANE = 256
_REPLICATES = 256


def main() -> None:
    """Write binary words to standard output until the reader has enough; an argument is the seed."""
    seed = np.uint64(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    states = np.empty((_REPLICATES, 4 * LANES), np.uint32)
    words = np.empty((_REPLICATES, _WORDS_A_LANE * LANES), np.uint32)
    try:
        for batch in count():
            fill_states(seed, np.uint64(0), np.uint64(batch * _REPLICATES), states)
            fill_words(states, words)
            sys.stdout.buffer.write(words.tobytes())
    except BrokenPipeError:
        sys.stderr.close()


if __name__ == "__main__":
    main()
