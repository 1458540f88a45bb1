"""A Gymnasium env as a task for a language model: prompts in, replies out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
