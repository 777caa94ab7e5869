"""The standing record: claims as data, their proofs, and the run that settles them."""
