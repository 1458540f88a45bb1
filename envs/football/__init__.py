"""Football in Google Research Football's units and actions, in numba."""
