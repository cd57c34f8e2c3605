"""Archives from others, opened without trusting them; folders packed for the way home.

`entries` says what an archive holds, `plan` decides what of it may be written, `unpack` writes it.
"""
