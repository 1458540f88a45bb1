"""Training, evaluation and comparison of policies."""

import lazy_loader

from configs.imports import check_packages

check_packages("envs", "agents")
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
