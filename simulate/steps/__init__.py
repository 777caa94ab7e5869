"""What a network does between two measured lengths, one kind of step a file.

A step is plain data that can be pickled; `advance` takes a population of networks through it.
"""
