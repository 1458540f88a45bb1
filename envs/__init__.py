"""Environments. All of them follow the Gymnasium API and are registered on import."""

from gymnasium.envs.registration import register

from envs.vector import one_by_one

_QUESTIONS = {
    "kickoff/Arithmetic-v0": "envs.reasoning.arithmetic:ArithmeticEnv",
    "kickoff/Algebra-v0": "envs.reasoning.algebra:AlgebraEnv",
    "kickoff/Geometry-v0": "envs.geometry.env:GeometryEnv",
    "kickoff/Questions-v0": "envs.questions.dataset_env:QuestionsEnv",
    "kickoff/Reasoning-v0": "envs.reasoning.env:ReasoningEnv",
    "kickoff/Visual-v0": "envs.visual.env:VisualEnv",
}

register(
    id="kickoff/Football-v0",
    entry_point="envs.football.env:FootballEnv",
    vector_entry_point="envs.football.vector:FootballVectorEnv",
)
register(
    id="kickoff/Sokoban-v0",
    entry_point="envs.sokoban.env:SokobanEnv",
    vector_entry_point="envs.sokoban.vector:SokobanVectorEnv",
)
for _id, _entry_point in _QUESTIONS.items():
    register(id=_id, entry_point=_entry_point, vector_entry_point=one_by_one(_id))
