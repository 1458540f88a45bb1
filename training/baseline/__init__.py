"""The PPO baseline, trained with RLlib."""
