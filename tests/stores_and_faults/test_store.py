"""The file of shards: what was put comes back or is refused, and what is not a store stays as it is."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest

from simulate import store as store_module
from simulate.store import ShardStore
from theory import SpecError

KEYS = ("5f2c" * 16, "a07e" * 16)
NUMBERS = (0, 1, 2, 3, 9, 130, 70_000)
NOBODY = 65_534


def result(key, shard, size=None):
    """The bytes that any process would compute for this shard."""
    size = (10, 300, 5_000)[shard % 3] if size is None else size
    return random.Random(f"{key}/{shard}").randbytes(size)


RESULTS = {(key, shard): result(key, shard) for key in KEYS for shard in NUMBERS}


def fill(path):
    with ShardStore(path) as store:
        for key, shard in RESULTS:
            store.register(key, json.dumps({"widths": [3, 4], "seed": 7}))
            store.put(key, shard, RESULTS[key, shard])
    return path


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("sample") / "runs.sqlite").read_bytes()


@pytest.fixture
def path(tmp_path, sample):
    """A store of RESULTS, for the test to spoil."""
    (tmp_path / "runs.sqlite").write_bytes(sample)
    return tmp_path / "runs.sqlite"


def execute(path, *statements):
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements]


def snapshot(folder):
    """All names in a folder, with the bytes of the files."""
    return {p.name: p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def refusal(path):
    """The line with which the path is refused, nothing around it having changed."""
    before = snapshot(path.parent)
    with pytest.raises(SpecError) as caught:
        ShardStore(path).close()
    line = str(caught.value)
    assert snapshot(path.parent) == before
    assert line.startswith(f"cannot use the store {str(path)!r}: ")
    assert "\n" not in line
    assert len(line) < 400
    return line


def test_round_trip(tmp_path):
    with ShardStore(tmp_path / "a b%41?#.sqlite") as store:
        assert store.get("key", 3) is None
        assert store.shards("key") == []
        for shard, payload in ((3, b"three"), (0, b""), (200, bytes(range(256)) * 999)):
            store.put("key", shard, payload)
            assert store.get("key", shard) == payload
        assert store.shards("key") == [0, 3, 200]
        assert store.shards("other") == []
    assert [p.name for p in tmp_path.iterdir()] == ["a b%41?#.sqlite"]


def test_results_persist(path):
    with ShardStore(path) as store, ShardStore(path) as second:
        assert {(key, n): second.get(key, n) for key in KEYS for n in store.shards(key)} == RESULTS


def test_opening_changes_no_byte(path):
    before = snapshot(path.parent)
    ShardStore(path).close()
    assert snapshot(path.parent) == before


def test_first_description_stays_and_is_readable(path):
    with ShardStore(path) as store:
        store.register(KEYS[0], "another")
    [texts] = execute(path, "SELECT description FROM runs")
    assert [json.loads(text) for (text,) in texts] == [{"widths": [3, 4], "seed": 7}] * 2


def test_same_shard_twice_has_the_same_bytes(path):
    before = path.read_bytes()
    with ShardStore(path) as store:
        store.put(KEYS[0], 1, RESULTS[KEYS[0], 1])
        with pytest.raises(SpecError, match="another result, made by another version"):
            store.put(KEYS[0], 1, RESULTS[KEYS[0], 1] + b"x")
    assert path.read_bytes() == before


def test_a_link_leads_to_the_store(path):
    link = path.with_name("link")
    link.symlink_to(path)
    with ShardStore(link) as store:
        assert store.shards(KEYS[0]) == list(NUMBERS)


def test_a_closed_store_is_a_mistake_of_the_caller(path):
    store = ShardStore(path)
    store.close()
    with ShardStore(path) as left:
        assert left.shards(KEYS[0]) == list(NUMBERS)
    for closed in (store, left):
        with pytest.raises(sqlite3.ProgrammingError):
            closed.shards(KEYS[0])


def test_a_store_that_its_user_made_shrink_by_itself_is_one_still(path):
    """`auto_vacuum = INCREMENTAL` sets the header's byte 67, just before the program's number."""
    execute(path, "PRAGMA auto_vacuum = INCREMENTAL", "VACUUM")
    assert path.read_bytes()[67] == 1
    test_results_persist(path)


def pragma(path, *settings):
    execute(path, *(f"PRAGMA {setting}" for setting in settings))


def foreign_in_wal_mode(path):
    path.unlink()
    pragma(path, "journal_mode = WAL", "application_id = 252006673")


def foreign_without_tables(path):
    path.unlink()
    pragma(path, "application_id = 252006673", "user_version = 1")


def foreign_with_hot_journal(path):
    pragma(path, "application_id = 252006673")
    crash(path, path)


def without_store_but_journal(path):
    path.rename(f"{path}-journal")


def malformed_name(path):
    """SQLite's own message then quotes a name that is no text."""
    spoil = (
        "UPDATE sqlite_master SET name = CAST(x'ff41' AS TEXT), sql = 'CREATE TABLE x(' WHERE name = 'runs'"
    )
    execute(path, "PRAGMA writable_schema = ON", spoil)


def folder(path):
    path.unlink()
    path.mkdir()


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def other_magic(path):
    path.write_bytes(b"sqlite" + path.read_bytes()[6:])


def wal_header(path):
    """The first 100 bytes, changed to say that the file is in WAL mode."""
    head = path.read_bytes()[:100]
    return head[:18] + b"\2\2" + head[20:]


REFUSED = {
    "text": (lambda p: p.write_text("width,moment\n3,4\n"), "not an SQLite file"),
    "another magic": (other_magic, "not an SQLite file"),
    "empty": (lambda p: p.write_bytes(b""), "it is empty"),
    "tables of another program": (lambda p: pragma(p, "application_id = 0"), "another program"),
    "another program without tables": (foreign_without_tables, "another program"),
    "another program in WAL mode": (foreign_in_wal_mode, "another program"),
    "another program's hot journal": (foreign_with_hot_journal, "another program"),
    "newer format": (lambda p: pragma(p, "user_version = 2"), "too new; update actlen"),
    "newer format by 2^24": (lambda p: pragma(p, "user_version = 16777217"), "format 16777217 is too new"),
    "format below one": (lambda p: pragma(p, "user_version = 0"), "damaged"),
    "set to WAL mode": (lambda p: pragma(p, "journal_mode = WAL"), "WAL mode"),
    "a WAL beside": (lambda p: p.with_name(f"{p.name}-wal").write_bytes(b"x"), "WAL mode"),
    "one more table": (lambda p: execute(p, "CREATE TABLE more (x)"), "damaged"),
    "one table less": (lambda p: execute(p, "DROP TABLE runs"), "damaged"),
    "a trigger": (
        lambda p: execute(p, "CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM shards; END"),
        "damaged",
    ),
    "a name that is no text": (malformed_name, "damaged"),
    "half of it": (lambda p: os.truncate(p, p.stat().st_size // 2), "damaged"),
    "half a header": (lambda p: os.truncate(p, 50), "damaged"),
    # What a header says of WAL mode, of a file of 100 bytes only.
    "a header less one byte": (lambda p: p.write_bytes(wal_header(p)[:99]), "damaged"),
    "a header in WAL mode": (lambda p: p.write_bytes(wal_header(p)), "WAL mode"),
    "folder": (folder, "folder or a device"),
    "pipe": (pipe, "folder or a device"),
    "journal alone": (without_store_but_journal, "bring it back, or delete that file"),
}


@pytest.mark.parametrize("spoil, words", REFUSED.values(), ids=REFUSED.keys())
def test_refused_and_left_alone(path, spoil, words):
    spoil(path)
    assert words in refusal(path)


@pytest.mark.parametrize(
    "check, spoil",
    [
        ("_check_header", REFUSED["newer format"][0]),
        ("_check_header", REFUSED["tables of another program"][0]),
        ("_check_header", REFUSED["another program in WAL mode"][0]),
        ("_check_content", REFUSED["one more table"][0]),
        ("_check_content", REFUSED["a trigger"][0]),
    ],
)
def test_without_a_check_it_would_not_be_refused_or_not_left_alone(monkeypatch, path, check, spoil):
    spoil(path)
    monkeypatch.setattr(store_module, check, lambda *_: None)
    with pytest.raises((pytest.fail.Exception, AssertionError)):
        refusal(path)


def test_of_two_files_left_the_journal_is_named(path):
    without_store_but_journal(path)
    path.with_name(f"{path.name}-wal").write_bytes(b"x")
    assert f"it is gone but '{path}-journal' is left" in refusal(path)


def test_a_folder_that_does_not_exist(tmp_path):
    assert "does not exist; create it first" in refusal(tmp_path / "gone" / "runs.sqlite")


def test_a_place_where_no_file_can_be():
    with pytest.raises(SpecError, match=r"cannot use the store '/proc/runs\.sqlite'"):
        ShardStore(Path("/proc/runs.sqlite"))


@contextmanager
def unprivileged():
    """Root passes by all permission bits, so it becomes nobody; another user stays who it is."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def shared():
    """A store in a folder that nobody can reach (pytest's own belong to the user alone)."""
    with tempfile.TemporaryDirectory() as name:
        path = fill(Path(name) / "runs.sqlite")
        yield path
        path.parent.chmod(0o755)


@pytest.mark.parametrize(
    "file_mode, folder_mode, name", [(0o444, 0o777, ""), (0o666, 0o555, ""), (0, 0o555, "new")]
)
def test_read_only(monkeypatch, shared, file_mode, folder_mode, name):
    shared.chmod(file_mode or 0o644)
    shared.parent.chmod(folder_mode)
    path = shared.with_name(name or shared.name)
    with unprivileged():
        assert shared.read_bytes()
        assert "read-only" in refusal(path)
        if not name:
            monkeypatch.setattr(store_module, "_try_writing", lambda _: None)
            with pytest.raises(pytest.fail.Exception):
                refusal(path)


def test_full_disk_in_the_midst(path):
    with ShardStore(path) as store:
        [(pages,)] = store._connection.execute("PRAGMA page_count")
        store._connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then reports a full disk
        with pytest.raises(SpecError, match="the disk is full; free some space"):
            store.put(KEYS[0], 4, bytes(100_000))
        assert store.get(KEYS[0], 4) is None
    test_results_persist(path)


def test_a_store_moved_away_in_the_midst(path):
    with ShardStore(path) as store:
        path.rename(path.with_name("elsewhere"))
        with pytest.raises(SpecError, match="was moved"):
            store.put(KEYS[0], 4, b"four")


def failing(number):
    def hardlink_to(*_):
        raise OSError(number, os.strerror(number))

    return hardlink_to


def test_full_disk_at_creation(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "hardlink_to", failing(errno.ENOSPC))
    assert "the disk is full" in refusal(tmp_path / "runs.sqlite")


def test_what_has_no_number_is_told_in_its_own_words(monkeypatch, tmp_path):
    """On one line, with no guess at the reason."""

    def hardlink_to(*_):
        raise OSError("a strange\nfile system")

    monkeypatch.setattr(Path, "hardlink_to", hardlink_to)
    line = refusal(tmp_path / "runs.sqlite")
    assert line.endswith(": a strange file system; check the disk or name another file")


def test_a_file_system_without_hard_links(monkeypatch, tmp_path):
    monkeypatch.setattr(Path, "hardlink_to", failing(errno.EPERM))
    test_results_persist(fill(tmp_path / "runs.sqlite"))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_lock_that_is_never_released(monkeypatch, path):
    monkeypatch.setattr(store_module, "_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked; wait" in refusal(path)


def survey(path):
    """'refused' at the door, or what happened to the payloads: right, refused, gone, wrong, phantom."""
    before = snapshot(path.parent)
    try:
        store = ShardStore(path)
    except SpecError:
        outcomes = {"refused"}
    else:
        with store:
            places = RESULTS.keys() | {(key, n) for key in KEYS for n in store.shards(key)}
            outcomes = {fate(store, *place) for place in places}
    assert snapshot(path.parent) == before
    return outcomes


def fate(store, key, shard):
    try:
        payload = store.get(key, shard)
    except SpecError:
        return "refused"
    if payload is None:
        return "phantom" if shard in store.shards(key) else "gone"
    return "right" if payload == RESULTS.get((key, shard)) else "wrong"


def damaged(path, offset, flip):
    """The outcomes for a store with these bits of one byte flipped."""
    sound = path.read_bytes()
    spoilt = bytearray(sound)
    spoilt[offset] ^= flip
    path.write_bytes(spoilt)
    outcomes = survey(path)
    path.write_bytes(sound)
    return outcomes


def test_no_truncated_store_is_accepted(path):
    sound = path.read_bytes()
    for length in sorted(random.Random(1).sample(range(len(sound)), 60)):
        path.write_bytes(sound[:length])
        assert survey(path) == {"refused"}, length
    for length in range(4096, len(sound), 4096):
        path.write_bytes(sound[:length])
        assert survey(path) == {"refused"}, length


@pytest.mark.full
def test_a_damaged_byte_never_gives_wrong_bytes(path):
    dice = random.Random(2)
    offsets = [*range(100), *dice.sample(range(path.stat().st_size), 400)]
    found = [damaged(path, offset, 1 << dice.randrange(8)) for offset in offsets]
    assert all(outcomes <= {"right", "refused", "gone"} for outcomes in found)
    assert sum("refused" in outcomes for outcomes in found) > 100


def test_without_the_sum_a_damaged_byte_gives_wrong_bytes(monkeypatch, path):
    monkeypatch.setattr(store_module, "_intact", lambda *_: True)
    offset = path.read_bytes().index(RESULTS[KEYS[0], 1])
    assert "wrong" in damaged(path, offset + 17, 1)


def one_row_out_of_order(path):
    """The outcomes for a store whose last row has a key that sorts before its neighbour's."""
    return damaged(path, path.read_bytes().rindex(KEYS[1].encode()), ord("a") ^ ord("0"))


def test_rows_out_of_order_are_refused(path):
    assert one_row_out_of_order(path) == {"refused"}


def test_without_the_check_of_content_a_listed_shard_would_not_be_found(monkeypatch, path):
    monkeypatch.setattr(store_module, "_check_content", lambda *_: None)
    assert "phantom" in one_row_out_of_order(path)


def move_a_shard(path):
    execute(path, "UPDATE shards SET shard = 4 WHERE shard = 3")
    return survey(path)


def test_a_payload_does_not_pass_for_another_shard(path):
    assert move_a_shard(path) == {"right", "refused", "gone"}


def test_a_sum_over_the_payload_alone_would_let_it_pass(monkeypatch, tmp_path):
    monkeypatch.setattr(store_module, "_digest", lambda key, shard, data: hashlib.sha256(data).digest())
    assert "wrong" in move_a_shard(fill(tmp_path / "runs.sqlite"))


def crash(path, copy):
    """What a kill in mid-commit leaves, put at `copy`: some pages new, and the journal of the old ones."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE shards SET payload = zeroblob(length(payload) + 9999)")
        left = {end: Path(f"{path}{end}").read_bytes() for end in ("", "-journal")}
        connection.execute("ROLLBACK")
    for end, data in left.items():
        Path(f"{copy}{end}").write_bytes(data)


def test_a_hot_journal_is_rolled_back(path):
    copy = path.with_name("copy")
    crash(path, copy)
    assert copy.read_bytes() != path.read_bytes()
    test_results_persist(copy)
    assert copy.read_bytes() == path.read_bytes()
    assert not Path(f"{copy}-journal").exists()


def test_without_its_journal_the_torn_store_is_refused(path):
    copy = path.with_name("copy")
    crash(path, copy)
    Path(f"{copy}-journal").unlink()
    assert "damaged" in refusal(copy)


def test_a_store_damaged_behind_a_hot_journal_is_refused(path):
    other, copy = path.with_name("other"), path.with_name("copy")
    shutil.copy(path, other)
    execute(other, "PRAGMA writable_schema = ON", "UPDATE sqlite_master SET sql = sql || ' '")
    crash(other, copy)
    with pytest.raises(SpecError, match="damaged"):
        ShardStore(copy)


def test_two_creators_end_with_one_store(monkeypatch, tmp_path):
    assert raced(monkeypatch, tmp_path / "runs.sqlite", Path.hardlink_to) == [8]


def test_a_creator_that_replaced_the_file_would_lose_shards(monkeypatch, tmp_path):
    assert raced(monkeypatch, tmp_path / "runs.sqlite", lambda new, draft: draft.replace(new)) == []


def without_links(new, draft):
    raise OSError(errno.EPERM, "no links here")


def test_two_creators_where_there_are_no_hard_links_end_with_one_store(monkeypatch, tmp_path):
    """The other has claimed the name in the meantime: its file is not written over."""
    assert raced(monkeypatch, tmp_path / "runs.sqlite", without_links) == [8]


def raced(monkeypatch, path, publish):
    """The shards found by a creator whom another, who stores shard 8, outruns at the last moment."""

    def outrun(new, draft):
        monkeypatch.setattr(Path, "hardlink_to", publish)
        with ShardStore(path) as first:
            first.put("key", 8, b"eight")
        publish(new, draft)

    monkeypatch.setattr(Path, "hardlink_to", outrun)
    with ShardStore(path) as second:
        return second.shards("key")


WRITER = """
import random, sys
from pathlib import Path
from simulate.store import ShardStore
path, key, size, seed, first, *end = sys.argv[1:]
numbers = range(int(first), int(end[0]) if end else 10**6)
if end:
    numbers = random.Random(seed).sample(numbers, len(numbers))
print("ready", flush=True)
sys.stdin.readline()
with ShardStore(Path(path)) as store:
    store.register(key, "{}")
    for n in numbers:
        store.put(key, n, random.Random(f"{key}/{n}").randbytes(int(size)))
        print(n, flush=True)
"""


def writer(path, size, seed, first, *end):
    arguments = map(str, (path, KEYS[0], size, seed, first, *end))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], cwd=Path(__file__).parents[2], **pipes
    )


def start(*writers):
    for process in writers:
        assert process.stdout.readline() == "ready\n"
    for process in writers:
        process.stdin.write("go\n")
        process.stdin.flush()


def stored(path, size):
    """The numbers in the store, after a look at each payload."""
    with ShardStore(path) as store:
        numbers = store.shards(KEYS[0])
        assert all(store.get(KEYS[0], n) == result(KEYS[0], n, size) for n in numbers)
    return numbers


def test_processes_share_a_store(tmp_path):
    path = tmp_path / "runs.sqlite"
    writers = [writer(path, 6_000, seed, first, first + 80) for seed, first in enumerate((0, 0, 40))]
    start(*writers)
    for process in writers:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert stored(path, 6_000) == list(range(120))
    assert [p.name for p in tmp_path.iterdir()] == ["runs.sqlite"]


@pytest.mark.full
def test_killed_writers_lose_no_shard_that_was_reported(tmp_path):
    path, dice, numbers = tmp_path / "runs.sqlite", random.Random(3), []
    for turn in count():
        process = writer(path, 90_000, 0, len(numbers))
        start(process)
        reported = [int(process.stdout.readline()) for _ in range(dice.randrange(1, 20))]
        dawdle(dice.randrange(30_000))
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        known = {*numbers, *reported, *map(int, rest.split())}
        numbers = stored(path, 90_000)
        assert known <= set(numbers)
        assert numbers == list(range(len(numbers)))
        if turn == 9:
            break


def dawdle(rounds):
    """Up to some milliseconds: the time of a few transactions."""
    for _ in range(rounds):
        pass


def test_addresses_are_read_as_such_by_any_sqlite(path, monkeypatch):
    """Not only by one that was built with SQLITE_USE_URI, which reads a name as an address unasked."""
    asked = []
    connect = sqlite3.connect

    def noted(address, **options):
        asked.append((address.startswith("file:"), options.get("uri", False)))
        return connect(address, **options)

    monkeypatch.setattr(store_module.sqlite3, "connect", noted)
    ShardStore(path).close()
    assert asked
    assert set(asked) == {(True, True)}
