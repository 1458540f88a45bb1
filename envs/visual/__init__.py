"""Questions about images (perception and reasoning), one step per episode."""
