"""Playing episodes of a task with a policy."""
