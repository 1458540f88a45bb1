"""Drawing, episode records and the run viewer."""

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # before anything imports pygame
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")  # no sound is played; SDL warns without a sound card
