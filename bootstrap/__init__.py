"""What happens at notebook start: the user's own environment comes back from storage.

Observe, plan, apply: ``observe`` reads home and storage, ``plan`` decides (pure), ``execute`` does it
through one small ``system``. Values between these stages are ``NamedTuple`` rather than frozen dataclasses:
importing ``dataclasses`` and making fifteen of them costs 12 ms more at every notebook start, on a path of
about 30 ms. For the same reason modules on that path import ``json``, ``yaml``, ``click`` and the like where
they are used.
"""
