"""Where partitions lie is frozen with schema version 4."""

from hashlib import sha256

import pytest

from core.ids import BUCKETS
from core.store.keys import PARTITIONS, SCHEMA_VERSION, TAGS, partition_of, slot_of, system_key, tenant_key
from tests.servers import Engine

SLOTS = 16_384


def test_golden_tags() -> None:
    assert (SCHEMA_VERSION, PARTITIONS) == (4, 64)
    assert TAGS[:8] == ("ru", "7e", "cw", "bo", "kz", "jb", "zx", "c1")
    assert (TAGS[63], TAGS[1023]) == ("40", "wu")
    digest = "a1b3a4a6026a1e81923052b43242140f84f6a65ebeb6552c37077f62f652dd8b"
    assert sha256(" ".join(TAGS).encode()).hexdigest() == digest


def test_golden_keys() -> None:
    assert tenant_key(5, 7) == b"cg{jb}7"
    assert system_key("schema") == "cg{ru}:schema"


def test_the_slot_is_what_a_cluster_says(cluster_engine: Engine) -> None:
    with cluster_engine.servers[0].client() as client:
        for partition in (0, 1, 63, 1023):
            key = tenant_key(partition, 7).decode()
            assert client.execute_command("CLUSTER KEYSLOT", key) == slot_of(TAGS[partition])


def test_a_partition_of_many_is_a_part_of_a_partition_of_few() -> None:
    # So that doubling the partitions only splits them.
    assert [partition_of(bucket) for bucket in range(BUCKETS)] == [bucket % PARTITIONS for bucket in range(BUCKETS)]
    assert len({slot_of(tag) for tag in TAGS}) == len(set(TAGS)) == BUCKETS


@pytest.mark.parametrize("partitions", [64, 128, 256, 512, 1024])
@pytest.mark.parametrize("nodes", [1, 2, 3, 5, 6, 16, 64])
def test_partitions_spread_evenly_over_the_nodes_of_a_cluster(partitions: int, nodes: int) -> None:
    counts = [0] * nodes
    for tag in TAGS[:partitions]:
        counts[slot_of(tag) * nodes // SLOTS] += 1
    assert max(counts) - min(counts) <= 2
    assert sum(counts) == partitions
