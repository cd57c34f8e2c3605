"""Container images as data, and the program that builds and tests them."""
