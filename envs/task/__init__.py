"""A Gymnasium env as a task for a language model: prompts in, replies out."""
