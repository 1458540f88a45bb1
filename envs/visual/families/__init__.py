"""Families of questions about pictures."""
