"""Match state, physics and laws of the game."""
