"""Placement and supervision of a run's learner, engines and rollout workers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
