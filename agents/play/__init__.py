"""Window in which a person plays a task."""
