"""Transfer of the learners' weights to engines."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ray.exceptions import ObjectLostError

from agents.engines.config import VLLMConfig
from training.cluster.ray.calls import gather_alive, run_while_alive


async def send_weights(
    call: Callable[..., Awaitable[list[Any]]], engines: Mapping[int, Any], config: VLLMConfig, version: int
) -> None:
    """Load the learners' weights into engines. Supervisors handle engines that die.

    Args:
        call: Calls a method of all learner ranks.
        engines: Engine actors by number.
        config: vLLM settings of the engines.
        version: Version of the weights.

    Raises:
        RuntimeError: An engine reports another version, or died while it received weights directly.
    """
    if not engines:
        return
    if config.transfer != "shared":
        address = (await call("address"))[0]
        sent = call("send", list(engines.values()), config, address, version)
        await run_while_alive(sent, engines.values(), "an engine died while it was sent weights")
        return
    references = (await call("weights"))[0]
    try:
        loaded = await gather_alive(engine.load_weights.remote(references, version) for engine in engines.values())
    except ObjectLostError:
        await call("gpus")  # raises LearnerLost if the weights are gone because rank 0 died
        raise
    for held in loaded:
        if held != version:
            raise RuntimeError(f"an engine reports weights of version {held} after loading {version}")
