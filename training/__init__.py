"""How a policy is trained, measured and compared."""
