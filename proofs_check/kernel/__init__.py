"""The proof kernel: what a verdict `proved` rests on.

It imports neither the rooms that derive formulas nor any algebra system: Python's whole numbers
and fractions are all it trusts. `check.py` reads a proof, `rules.py` knows the rules,
`expansion.py` computes layer moments from their definition (`residual_expansion.py` those of a residual
block), `polynomial.py` does arithmetic, `render.py` says in the statement language what was concluded.
"""
