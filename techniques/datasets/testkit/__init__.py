"""Servers on this machine that keep the rules of the real services, for tests, plug-in authors and lessons.

Each refuses what its service refuses; `rules.RULES` says which document every rule comes from.
"""
