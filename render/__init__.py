"""What is seen: arrays and records in, pixels and pages out."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before anything imports pygame
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")  # nothing here makes a sound; without a sound card SDL complains
