"""Mathematical notation: the grammar of answers, its exact values, and their comparison."""
