"""The state of a match and the laws it follows."""
