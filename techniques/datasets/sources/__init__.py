"""Where pictures come from; each module is one service behind the protocol of `base`."""
