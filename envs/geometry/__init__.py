"""Questions about geometric figures: `kickoff/Geometry-v0`."""
