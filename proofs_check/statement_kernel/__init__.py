"""The checker of proofs of statements: reads the statement itself, trusts nothing that searched."""
