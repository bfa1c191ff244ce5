"""Which partition a key belongs to: the hash that Kafka's own clients use."""

from functools import lru_cache

from aiokafka.partitioner import murmur2


@lru_cache(maxsize=65536)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of ``key`` among ``partitions``. The same in Kafka and in the embedded log."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
