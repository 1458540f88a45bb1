"""Learner: loss, gradients and optimiser updates, on one or more ranks."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
