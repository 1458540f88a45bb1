"""Loading a vision-language model, and its forward pass."""
