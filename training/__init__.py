"""How it learns: rollouts, advantages, losses, the learner and the pipeline."""
