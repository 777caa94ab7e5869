"""A job cut into shards: what one worker computes in one go, and what a store keeps."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulate.job import Job
from simulate.merging import Tree
from simulate.methods.choice import method_named
from simulate.summary import decode, encode

__all__ = ["Part", "Shard", "Shards", "compute", "unpack"]

_SHARD_WORK = 2.0**30
_MOST_LEAVES = 256


@dataclass(frozen=True)
class Shard:
    """The networks first, ..., first + count - 1 of a job, in leaves of `leaf` networks."""

    number: int
    first: int
    count: int
    leaf: int


@dataclass(frozen=True)
class Shards:
    """How a job is cut: `leaves` of `leaf` networks to a shard, a power of two."""

    leaf: int
    leaves: int

    @classmethod
    def of(cls, job: Job, leaves: int | None = None) -> Shards:
        """The cut of a job: shards that take a fraction of a second, decided by the job alone."""
        method = method_named(job.method)
        leaf = method.leaf_size(job)
        if leaves is None:
            wanted = int(_SHARD_WORK / (method.work(job) * leaf))
            leaves = 1 << min(max(wanted, 1), _MOST_LEAVES).bit_length() - 1
        return cls(leaf, leaves)

    @property
    def size(self) -> int:
        """Networks in a whole shard."""
        return self.leaf * self.leaves

    def shard(self, number: int, samples: int | None) -> Shard | None:
        """The shard of this number, cut off at `samples`; None past the end."""
        first = number * self.size
        count = self.size if samples is None else min(self.size, samples - first)
        return Shard(number, first, count, self.leaf) if count > 0 else None


@dataclass(frozen=True)
class Part:
    """What became of a shard: the subtrees over its first `count` networks, as bytes."""

    count: int
    payload: bytes


def compute(job: Job, shard: Shard, stopped: Callable[[], bool] | None = None) -> Part:
    """Compute a shard; told to stop, hand over the leaves done until then, at least one."""
    method = method_named(job.method)
    tree, done = Tree(), 0
    while done < shard.count and not (done and stopped is not None and stopped()):
        count = min(shard.leaf, shard.count - done)
        tree.push(0, method.leaf(job, shard.first + done, count))
        done += count
    return Part(done, pack(tree.roots))


def pack(roots: list[tuple[int, Any]]) -> bytes:
    """Levels and records as bytes."""
    parts = [(level, encode(record)) for level, record in roots]
    head = json.dumps([[level, len(part)] for level, part in parts]).encode()
    return struct.pack("<I", len(head)) + head + b"".join(part for _, part in parts)


def unpack(job: Job, payload: bytes) -> list[tuple[int, Any]]:
    """What `pack` wrote."""
    kind = method_named(job.method).record
    (size,) = struct.unpack_from("<I", payload)
    position, roots = 4 + size, []
    for level, length in json.loads(payload[4:position]):
        roots.append((level, decode(kind, payload[position : position + length])))
        position += length
    return roots
