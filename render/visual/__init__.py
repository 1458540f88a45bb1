"""Drawing of the images of visual questions."""
