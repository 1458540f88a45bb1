"""The configuration of a run: its dataclasses, and how they are composed."""
