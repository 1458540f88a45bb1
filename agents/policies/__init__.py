"""Policies: models, scripted players and recorded games."""
