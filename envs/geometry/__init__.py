"""Questions about drawn figures: `kickoff/Geometry-v0`."""
