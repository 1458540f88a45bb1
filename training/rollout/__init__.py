"""Which groups of episodes a training step plays."""
