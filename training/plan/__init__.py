"""The memory and placement that a run will need."""
