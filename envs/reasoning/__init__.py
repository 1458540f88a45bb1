"""Text questions with one exact answer, for FRE: no image, one step per episode."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
