"""Episodes as records and videos."""
