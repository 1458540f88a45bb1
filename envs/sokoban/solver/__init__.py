"""Optimal plans: a compiled A* search over arrangements of boxes."""
