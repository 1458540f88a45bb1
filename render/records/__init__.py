"""Outputs of a run: episode records, learning curves and videos."""
