"""The compiled part of the engine: streams, samplers, and passes over one layer.

Scalar functions are plain Python that numba may inline; only the passes of `layer` are compiled.
Every pass therefore has its Python twin, `pass.py_func`, made of the very same functions.
"""
