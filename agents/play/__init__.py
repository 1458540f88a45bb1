"""The window in which a person plays a task."""
