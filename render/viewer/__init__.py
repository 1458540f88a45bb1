"""The run viewer: the web page, the data it shows, its server and the one-file report."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
