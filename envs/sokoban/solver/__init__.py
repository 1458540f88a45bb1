"""Optimal plans: compiled searches for the fewest pushes and the fewest moves."""
