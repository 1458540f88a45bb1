"""Policies and inference: chat templates, models, engines, episodes."""

import lazy_loader

from configs.imports import check_packages

check_packages("envs")
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
