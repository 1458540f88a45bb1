"""Drawing of football matches."""
