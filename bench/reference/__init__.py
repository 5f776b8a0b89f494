"""Figures that others published or recomputed, ours beside them; see `python -m bench.reference`.

One module a table: a function that yields its figures. To add one, write it and name it in
__main__.py.
"""
