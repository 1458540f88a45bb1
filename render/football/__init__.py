"""Drawing football matches."""
