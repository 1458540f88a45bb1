"""Configuration of a run: dataclasses and their composition from files and overrides."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
