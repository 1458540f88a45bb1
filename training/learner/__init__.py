"""The optimiser step, on one rank or many."""
