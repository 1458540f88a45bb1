"""Comparing policies on the same held-out episodes."""
