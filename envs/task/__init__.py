"""Task layer: presents a Gymnasium environment to a language model as prompts and replies."""
