from .checkpoint import Progress
from .display import Display
from .group_records import GroupRecords
from .metrics import MetricsLog, read_metrics
from .run_folder import RunFolder

__all__ = [
    "Display",
    "GroupRecords",
    "MetricsLog",
    "Progress",
    "RunFolder",
    "read_metrics",
]
