"""Questions about pictures: perception and reasoning, one step an episode."""
