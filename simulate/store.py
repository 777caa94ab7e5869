"""One SQLite file that keeps the shards of simulations, so that a killed run resumes bit for bit.

Each shard is one row, written in one transaction under SQLite's rollback journal: after a kill it is there
in full or not at all. `synchronous=FULL` keeps the file whole over a power cut too; the few flushes that it
costs are small beside the work of a shard. Pages and tables are verified at opening; a SHA-256 over key,
number and payload stands in the row and is verified at each reading. A file that is not a sound store is
refused before anything is written to it; only a journal that a killed writer of a store left is rolled back
before the check. Keep the file on a local disk: locks over a network are not reliable.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from theory.errors import SpecError

__all__ = ["ShardStore"]

_APPLICATION = int.from_bytes(b"actl", "big")
_FORMAT = 1
_SECONDS = 60
_TABLES = (
    "CREATE TABLE runs (key TEXT PRIMARY KEY NOT NULL, description TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE shards (key TEXT NOT NULL, shard INTEGER NOT NULL CHECK (typeof(shard) = 'integer'), "
    "sha256 BLOB NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (key, shard)) WITHOUT ROWID",
)

# To close a file that one has read drops every POSIX lock that the process holds on it (see sqlite.org,
# "How to corrupt"); so no header is read while another store of this process is within a transaction.
_ONE_AT_A_TIME = threading.RLock()

_FULL = "the disk is full; free some space and run again (stored shards are kept)"
_READ_ONLY = "the file or its folder is read-only, or was moved; allow writing there or name another file"
_DAMAGED = "it is damaged; move it away and run again, or restore a backup"
_SQLITE_REASONS = {
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: _READ_ONLY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_BUSY: "other processes keep it locked; wait for them or name another file",
}
_SYSTEM_REASONS: dict[int | None, str] = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
}


class ShardStore:
    """Results of simulations by run (a key) and shard number; created where there is no file yet.

    Use a store from a single thread; any number of processes may share one file. `SpecError` if the file
    cannot be used: not a store, of a newer format, damaged, read-only, on a full disk, locked for long.

    >>> folder = TemporaryDirectory()
    >>> path = Path(folder.name) / "runs.sqlite"
    >>> with ShardStore(path) as store:
    ...     store.register("5f2c", '{"widths": [3, 4], "seed": 7}')
    ...     store.put("5f2c", 1, b"sums")
    >>> with ShardStore(path) as store:
    ...     store.shards("5f2c"), store.get("5f2c", 1), store.get("5f2c", 0)
    ([1], b'sums', None)
    >>> folder.cleanup()
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _reported(path):
            self._connection = _open(Path(os.path.realpath(path)))

    def get(self, key: str, shard: int) -> bytes | None:
        """The payload as it was put, None where there is none; `SpecError` if its SHA-256 does not fit."""
        query = "SELECT sha256, payload FROM shards WHERE key = ? AND shard = ?"
        with _reported(self._path):
            rows = self._connection.execute(query, (key, shard)).fetchall()
        if not rows:
            return None
        [(digest, payload)] = rows
        if not _intact(key, shard, digest, payload):
            raise _refused(self._path, f"shard {shard} of run {key!r} does not fit its SHA-256: {_DAMAGED}")
        return bytes(payload)

    def put(self, key: str, shard: int, payload: bytes) -> None:
        """Stores a shard for good; `SpecError` if it is stored already with other bytes."""
        row = (key, shard, _digest(key, shard, payload), payload)
        with _reported(self._path):
            added = self._connection.execute("INSERT OR IGNORE INTO shards VALUES (?, ?, ?, ?)", row).rowcount
        if not added and self.get(key, shard) != payload:
            raise _refused(
                self._path,
                f"shard {shard} of run {key!r} is stored with another result, made by another version of "
                "actlen or its libraries, or damaged; name another file",
            )

    def shards(self, key: str) -> list[int]:
        """The numbers of the stored shards of a run, ascending."""
        query = "SELECT shard FROM shards WHERE key = ? ORDER BY shard"
        with _reported(self._path):
            return [int(shard) for (shard,) in self._connection.execute(query, (key,)).fetchall()]

    def register(self, key: str, description: str) -> None:
        """Notes, for whoever reads the file, what a key stands for (JSON); the first text stays."""
        with _reported(self._path):
            self._connection.execute("INSERT OR IGNORE INTO runs VALUES (?, ?)", (key, description))

    def close(self) -> None:
        """Closes the file; nothing is pending, since each call above commits."""
        self._connection.close()

    def __enter__(self) -> ShardStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _digest(key: str, shard: int, payload: bytes) -> bytes:
    """Over the place too: a row whose key or number was damaged must not pass for another shard."""
    return hashlib.sha256(f"{len(key)}:{key}:{shard}:".encode() + payload).digest()


def _intact(key: str, shard: int, digest: object, payload: object) -> bool:
    return isinstance(payload, bytes) and digest == _digest(key, shard, payload)


def _open(path: Path) -> sqlite3.Connection:
    """A writable connection to a sound store; what is not one is refused before anything is written."""
    # Looked for first: a journal that belongs to a living store is younger than the store.
    strays = [name for end in ("-journal", "-wal") if os.path.lexists(name := f"{path}{end}")]
    if not path.exists():
        _create(path, strays)
    _check_header(path)
    sound = _check_reading_only(path)
    connection = _connect(path, "rw")
    try:
        _try_writing(connection)
        if not sound:
            _check_content(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"{path.as_uri()}?mode={mode}"
    connection = sqlite3.connect(address, uri=True, timeout=_SECONDS, isolation_level=None)
    connection.text_factory = bytes  # damaged text need not be UTF-8
    return connection


def _create(path: Path, strays: list[str]) -> None:
    """An empty store, made under another name and linked to its own: whole at once, over no other file."""
    if not path.parent.is_dir():
        raise _refused(path, f"the folder {str(path.parent)!r} does not exist; create it first")
    if strays:
        raise _refused(path, f"it is gone but {strays[0]!r} is left; bring it back, or delete that file")
    with TemporaryDirectory(prefix=".actlen-", dir=path.parent) as folder:
        draft = Path(folder) / "store"
        with closing(_connect(draft, "rwc")) as connection:
            marks = f"PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {_FORMAT}"
            connection.executescript(f"BEGIN IMMEDIATE; {marks}; {'; '.join(_TABLES)}; COMMIT")
        with suppress(FileExistsError):
            _publish(draft, path)


def _publish(draft: Path, path: Path) -> None:
    """Gives the file its name; `FileExistsError` if another process was first."""
    try:
        path.hardlink_to(draft)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        path.touch(exist_ok=False)  # a file system without hard links: claim the name, then fill it
        draft.replace(path)


def _check_header(path: Path) -> None:
    """Reads the 100 bytes that name a program and a format (sqlite.org/fileformat2.html)."""
    if not path.is_file():
        raise _refused(path, "it is a folder or a device; name a file")
    with path.open("rb") as file:
        head = file.read(100)
    program, version = int.from_bytes(head[68:72], "big"), int.from_bytes(head[60:64], "big")
    if not head:
        raise _refused(path, "it is empty, so no store; delete it and run again, or name another file")
    if not head.startswith(b"SQLite format 3\0"):
        raise _refused(path, "it is not an SQLite file; name another file")
    if len(head) == 100 and program != _APPLICATION:
        raise _refused(path, "it is an SQLite file of another program; name another file")
    if version > _FORMAT:
        raise _refused(path, f"its format {version} is too new; update actlen or name another file")
    if len(head) < 100 or version < _FORMAT:
        raise _refused(path, _DAMAGED)
    if head[18:20] != b"\1\1" or os.path.lexists(f"{path}-wal"):
        raise _refused(path, "another program put it into WAL mode; set PRAGMA journal_mode = DELETE there")


def _check_reading_only(path: Path) -> bool:
    """Whether the content was checked; not if a killed writer left a journal, which reading cannot undo."""
    with closing(_connect(path, "ro")) as connection:
        try:
            _check_content(connection, path)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_READONLY_ROLLBACK:
                raise
            return False
    return True


def _check_content(connection: sqlite3.Connection, path: Path) -> None:
    """Every page in its place, every row well formed, and the tables exactly those of this module.

    SQLite's quick_check would not do: it passes rows out of order, which are listed but cannot be found.
    """
    found = connection.execute("SELECT sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    pages = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if pages != [(b"ok",)] or set(found) != {(table.encode(),) for table in _TABLES}:
        raise _refused(path, _DAMAGED)


def _try_writing(connection: sqlite3.Connection) -> None:
    """Opens a journal and takes the write back; the file stays as it is, or a killed writer's is undone."""
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA user_version = {_FORMAT}")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


@contextmanager
def _reported(path: Path) -> Iterator[None]:
    """Turns what SQLite and the system say into a line for the user."""
    try:
        with _ONE_AT_A_TIME:
            yield
    except sqlite3.ProgrammingError:
        raise  # a mistake of the caller: a closed store, another thread
    except UnicodeDecodeError as error:  # SQLite's message quotes a damaged name
        raise _refused(path, _DAMAGED) from error
    except (sqlite3.Error, OSError) as error:
        raise _refused(path, _reason(error)) from error


def _reason(error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        reason = _SYSTEM_REASONS.get(error.errno)
    else:
        reason = _SQLITE_REASONS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return reason or f"{error}; check the disk or name another file".replace("\n", " ")


def _refused(path: Path, reason: str) -> SpecError:
    return SpecError(f"cannot use the store {str(path)!r}: {reason}")
