from .policies.loaded import LoadedPolicy, load_policy

__all__ = [
    "LoadedPolicy",
    "load_policy",
]
