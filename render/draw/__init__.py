"""The drawing kit: canvas, text, images and compiled functions."""
