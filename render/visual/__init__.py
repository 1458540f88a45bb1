"""Drawing the pictures of visual questions."""
