"""Tile, WMTS and WMS servers on this machine that keep the real ones' rules, and a town that nobody built.

For tests, for authors of records, and for lessons without internet (``--source demo``). `rules.RULES` says
which document every rule comes from.
"""
