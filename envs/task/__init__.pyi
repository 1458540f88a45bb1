from .config import TaskConfig, load_task, task_names
from .reply import Reply
from .splits import split_of_item, split_of_seed
from .task import Observation, Outcome, Task

__all__ = [
    "Observation",
    "Outcome",
    "Reply",
    "Task",
    "TaskConfig",
    "load_task",
    "split_of_item",
    "split_of_seed",
    "task_names",
]
