"""Drawing geometric figures."""
