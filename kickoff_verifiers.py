"""The name by which the commands of verifiers find Kickoff's tasks: `vf-eval kickoff_verifiers`."""

from envs.adapters.verifiers import KickoffEnv, KickoffHarness, KickoffTaskset

__all__ = ["KickoffEnv", "KickoffHarness", "KickoffTaskset"]
