"""`python -m mutation`: try the mutants that have not been tried, and report.

Ctrl-C stops; the next call goes on from there. `--sample N` takes the first N mutants in the order of their
digests: a random sample that stays the same. `--again` tries survivors again, after new tests.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import islice

from mutation.mutants import Mutant, mutants_of
from mutation.reach import Reach, traced
from mutation.report import Report
from mutation.running import Warm, load_libraries
from mutation.scope import ROOT, STATE, room_files, settings
from mutation.session import Session
from mutation.trying import Trial


def say(text: str) -> None:
    """A line, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__.partition("\n")[0])
    parser.add_argument("--sample", type=int, help="only so many, a random sample that stays the same")
    parser.add_argument("--only", default="", help="only modules whose name contains this")
    parser.add_argument("--again", action="store_true", help="try the survivors again")
    parser.add_argument("--report", action="store_true", help="only report")
    return parser.parse_args(words)


def chosen(mutants: list[Mutant], sample: int | None, only: str) -> list[Mutant]:
    """The mutants to try, in the order of their digests: each beginning of it is a random sample."""
    return list(islice(sorted((m for m in mutants if only in m.module), key=lambda m: m.id), sample))


def work(session: Session, pending: list[Mutant]) -> None:
    """Try them one by one."""
    load_libraries()
    warm = Warm(traced)
    reach = Reach.read(STATE / "reach.jsonl")
    reach.measure(warm, say)
    trial, start = Trial(session, reach, warm), time.monotonic()
    for number, mutant in enumerate(pending, 1):
        outcome, by = trial.run(mutant)
        rate = 60 * number / (time.monotonic() - start)
        place = f"{mutant.path}:{mutant.start[0]} {mutant.function} {mutant.operator.partition('/')[2]}"
        how = by.splitlines()[-1] if by else ""
        say(f"{number}/{len(pending)} ({rate:.0f} a minute) {outcome} {place} {how}")
    warm.close()


def main(words: list[str] | None = None) -> int:
    """Exit status 1 if anything must not stay so."""
    options = arguments(words)
    STATE.mkdir(exist_ok=True)
    register = ROOT / settings()["register"]
    everything = [mutant for paths in room_files().values() for path in paths for mutant in mutants_of(path)]
    session = Session(STATE / "session.sqlite", everything)
    try:
        wanted = chosen(everything, options.sample, options.only)
        if options.again:
            known = Report(wanted, session.results(), register)
            session.forget(mutant.id for mutant in known.survivors())
        done = session.results()
        pending = [mutant for mutant in wanted if mutant.id not in done]
        if pending and not options.report:
            work(session, pending)
    except KeyboardInterrupt:
        say("stopped; the next call goes on from here")
    report = Report(everything, session.results(), register)
    session.close()
    for line in report.lines():
        say(line)
    for reason in report.fails():
        say(f"FAILS: {reason}")
    return bool(report.fails())


if __name__ == "__main__":
    sys.exit(main())
