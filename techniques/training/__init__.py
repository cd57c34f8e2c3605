"""A classifier of one's own: from a folder of pictures by class to weights that can be dreamt with."""
