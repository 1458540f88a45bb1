from .answers import Formula, is_right
from .dataset_env import QuestionsEnv
from .env import PictureQuestionEnv, Question, QuestionEnv

__all__ = [
    "Formula",
    "PictureQuestionEnv",
    "Question",
    "QuestionEnv",
    "QuestionsEnv",
    "is_right",
]
