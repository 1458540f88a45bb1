"""Matches: games of PettingZoo between several seats, and each seat as a Gymnasium env."""
