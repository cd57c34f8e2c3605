"""Design techniques with neural networks, run by name: ``deepdesign COMMAND``."""
