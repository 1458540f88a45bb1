"""Envs of one question and one answer, judged exactly."""
