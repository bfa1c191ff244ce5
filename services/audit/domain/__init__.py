"""Pure: the Merkle tree, the leaf, the notes and proofs, and the correction gates."""
