"""Text questions with one exact answer, for FRE: no image, one step per episode."""
