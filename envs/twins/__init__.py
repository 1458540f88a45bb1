"""Twins: the same items as text and as pictures, to measure whether skills learned on text carry over."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
