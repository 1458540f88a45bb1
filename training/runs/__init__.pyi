from .checkpoint import RunState
from .display import Display
from .group_records import GroupRecords
from .metrics import MetricsLog, read_metrics
from .run_folder import RunFolder

__all__ = [
    "Display",
    "GroupRecords",
    "MetricsLog",
    "RunFolder",
    "RunState",
    "read_metrics",
]
