"""SelfPlayConfig: the opponents of a stage in tasks with seats."""

from dataclasses import dataclass, field
from typing import Literal

from configs.schema import Settings
from configs.types import NonNegativeFloat, PositiveInt


@dataclass
class SelfPlayConfig(Settings):
    """Opponents of the policy in tasks with seats. Without shares, the task's own opponent plays."""

    current: NonNegativeFloat = 0.0
    """Share of the groups in which the policy plays all seats itself. Each seat is a group of its own."""
    past: NonNegativeFloat = 0.0
    """Share of the groups against past selves. Before there are any, the policy plays itself."""
    scripted: NonNegativeFloat = 0.0
    """Share of the groups against scripted opponents."""
    opponents: list[str] = field(
        default_factory=lambda: ["random", "expert:0.25", "expert:0.5", "expert:0.75", "expert"]
    )
    """Scripted opponents: `random`, `expert`, or `expert:P` (the expert's action with probability P)."""
    prioritise: Literal["hard", "even", "uniform"] = "hard"
    """Choice among past selves and among scripted opponents, by the share x of the points won against each: `hard`
    ((1 - x)²), `even` (x (1 - x)) or `uniform`. This is AlphaStar's prioritised fictitious self-play."""
    every: PositiveInt = 10
    """Number of training steps between past selves. The first one is the start of the stage."""
    keep: PositiveInt = 8
    """Maximum number of past selves. The start and the newest are kept, and the one that loses most leaves first."""
    decay: NonNegativeFloat = 0.9
    """Factor by which older results count less per training step."""

    def __post_init__(self) -> None:
        """Check the values and the names of the opponents."""
        super().__post_init__()
        from envs.matches.seat import strength_of

        for name in self.opponents:
            if strength_of(name) is None:
                raise ValueError(f"opponents must be random, expert or expert:P with P from 0 to 1, got {name!r}")
        if self.scripted and not self.opponents:
            raise ValueError("scripted needs opponents, such as [random, expert]")
        if self.decay > 1:
            raise ValueError(f"decay must be from 0 to 1, got {self.decay}")

    @property
    def on(self) -> bool:
        """True if opponents are drawn."""
        return self.current + self.past + self.scripted > 0
