"""Families of figures, each with the question it asks."""
