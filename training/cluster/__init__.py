"""Where the learner, the engines and the players of a run live."""
