"""Drawing of plane-geometry figures."""
