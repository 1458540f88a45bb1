from .env import TwinsEnv

__all__ = [
    "TwinsEnv",
]
