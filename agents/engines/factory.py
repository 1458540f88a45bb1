"""Makes the engine that a config asks for."""

from typing import TYPE_CHECKING

from agents.engines.base import Engine
from agents.engines.config import EngineConfig

if TYPE_CHECKING:
    from agents.models.load import LoadedModel


async def make_engine(path: str, config: EngineConfig, model: "LoadedModel | None" = None) -> Engine:
    """The engine that a config asks for, with the weights of `path` (as `ModelConfig.path`).

    The transformers engine generates with `model`, where one is given, instead of a copy of its own.
    """
    if config.chosen == "vllm":
        from agents.engines.vllm import VLLMEngine

        return await VLLMEngine.start(path, config)
    from agents.engines.transformers import TransformersEngine
    from agents.models.load import best_device, load_model

    model = model or load_model(path)
    model.vlm.to(best_device())
    engine = TransformersEngine(model.vlm, model.chat.eos, config)
    engine.max_context = min(filter(None, (config.max_context, engine.max_context)), default=None)
    return engine
