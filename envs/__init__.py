"""What is played: every env is plain Gymnasium and is registered on import."""

from gymnasium.envs.registration import register

register(id="kickoff/Football-v0", entry_point="envs.football.env:FootballEnv")
register(id="kickoff/Arithmetic-v0", entry_point="envs.reasoning.arithmetic:ArithmeticEnv")
register(id="kickoff/Algebra-v0", entry_point="envs.reasoning.algebra:AlgebraEnv")
