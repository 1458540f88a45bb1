"""The parts of a run as Ray actors."""
