"""Sokoban: rules, levels, deadlock detection, a solver and the Gymnasium env."""
