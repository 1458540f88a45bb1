"""Rule-following players."""
