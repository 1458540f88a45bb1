"""Families of visual questions."""
