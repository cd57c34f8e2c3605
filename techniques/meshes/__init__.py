"""Meshes: in and out of an architect's files without damage, texture atlases, health, and the viewer page."""
