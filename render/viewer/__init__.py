"""The page in which a person watches a run: `page.html`, its modules and styles, and what gives them their data."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
