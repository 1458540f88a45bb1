"""Engines generate completions for prompts."""
