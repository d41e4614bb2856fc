from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.audit.chain import GENESIS_PREV, Merkle, checkpoint_bytes, included, leaf_hash, record_hash

# The leaves, roots and audit paths of Certificate Transparency's reference tests (merkletree/merkle_tree_test.cc).
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}


def grown(leaves: list[bytes]) -> Merkle:
    tree = Merkle()
    for leaf in leaves:
        tree.append(leaf)
    return tree


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert Merkle().root() == hashlib.sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_reference(size: int) -> None:
    assert grown([bytes.fromhex(leaf) for leaf in LEAVES[:size]]).root().hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size"), list(PATHS))
def test_audit_paths_are_those_of_the_reference(index: int, size: int) -> None:
    path = grown([bytes.fromhex(leaf) for leaf in LEAVES[:size]]).proof(index)
    assert [node.hex() for node in path] == PATHS[index, size]


def test_a_single_leaf_is_its_own_root() -> None:
    assert grown([b"x"]).root() == leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()


@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proved_and_nothing_else_is(size: int, data: st.DataObject) -> None:
    leaves = [bytes([at]) for at in range(size)]
    tree = grown(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = tree.proof(index)
    assert included(leaves[index], index, size, path, tree.root())
    assert not included(b"other", index, size, path, tree.root())
    assert not included(leaves[index], index, size, [*path, bytes(32)], tree.root())
    assert not included(leaves[index], size, size, path, tree.root())
    if path:
        assert not included(leaves[index], index, size, path[:-1], tree.root())


def test_there_is_no_proof_for_a_leaf_that_is_not_there() -> None:
    with pytest.raises(IndexError, match="no leaf 1"):
        grown([b"x"]).proof(1)


def test_a_record_hash_binds_predecessor_number_and_bytes() -> None:
    base = record_hash(GENESIS_PREV, 0, b"{}")
    assert base == hashlib.sha256(bytes(32) + bytes(8) + b"{}").digest()
    assert (
        len(
            {
                base,
                record_hash(b"\x01" * 32, 0, b"{}"),
                record_hash(bytes(32), 1, b"{}"),
                record_hash(bytes(32), 0, b"[]"),
            }
        )
        == 4
    )


def test_the_checkpoint_message_is_separated_from_every_other() -> None:
    message = checkpoint_bytes("r", 3, b"\xab" * 32)
    assert message == b'deskhand-checkpoint-v1\n{"n":3,"root":"' + b"ab" * 32 + b'","run":"r","v":1}'
