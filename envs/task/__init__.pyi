from .config import TaskConfig, load_task, task_names
from .reply import Reply
from .task import Observation, Outcome, Task

__all__ = [
    "Observation",
    "Outcome",
    "Reply",
    "Task",
    "TaskConfig",
    "load_task",
    "task_names",
]
