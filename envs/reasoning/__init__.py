"""Questions in words with one exact answer, for FRE: no picture, one step an episode."""
