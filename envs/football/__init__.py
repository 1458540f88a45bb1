"""Football with Google Research Football's units and actions, compiled with numba."""
