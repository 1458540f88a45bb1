"""Engine factory."""

from typing import TYPE_CHECKING

from agents.engines.base import Engine
from agents.engines.config import EngineConfig

if TYPE_CHECKING:
    from agents.models.load import LoadedModel


async def make_engine(path: str, config: EngineConfig, model: "LoadedModel | None" = None) -> Engine:
    """Create the engine selected by a config.

    Args:
        path: model path, as in `ModelConfig.path`.
        config: settings of the engine.
        model: loaded model that the transformers engine uses directly; None loads a copy.
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
