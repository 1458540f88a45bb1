"""Football with Google Research Football's units and actions, compiled with numba."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
