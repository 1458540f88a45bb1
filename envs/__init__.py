"""Environments. All of them follow the Gymnasium API and are registered on import."""

from gymnasium.envs.registration import register

_QUESTIONS = {
    "Arithmetic": "envs.reasoning.arithmetic:ArithmeticEnv",
    "Algebra": "envs.reasoning.algebra:AlgebraEnv",
    "Geometry": "envs.geometry.env:GeometryEnv",
    "Questions": "envs.questions.dataset_env:QuestionsEnv",
    "Reasoning": "envs.reasoning.env:ReasoningEnv",
    "Twins": "envs.twins.env:TwinsEnv",
    "Visual": "envs.visual.env:VisualEnv",
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
for _name, _entry_point in _QUESTIONS.items():
    register(id=f"kickoff/{_name}-v0", entry_point=_entry_point, vector_entry_point=f"envs.vector:{_name}")
register(id="kickoff/OpenEnv-v0", entry_point="envs.openenv.env:OpenEnvEnv")
