from .camera import PitchCamera, Scene

__all__ = [
    "PitchCamera",
    "Scene",
]
