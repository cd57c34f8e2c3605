"""``deepdesign-bootstrap doctor``: says what will not work, why, and the one command that mends it.

Each module answers one question that students ask. All of them only read; what they ask of other programs
(ssh, Python) has a time limit, and so has every question as a whole, because a storage may hang.
"""
