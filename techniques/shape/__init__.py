"""Moving the vertices of a mesh well: smooth large steps, and terms that keep what a design wants kept."""
