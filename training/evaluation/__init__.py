"""Success on held-out episodes, with confidence intervals."""
