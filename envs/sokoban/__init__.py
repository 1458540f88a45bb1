"""Sokoban: rules, levels, dead-locks, a solver and the Gymnasium env."""
