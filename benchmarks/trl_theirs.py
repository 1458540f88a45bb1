"""TRL's side of `benchmarks/trl_step.py`: its GRPOTrainer on the same prompts, with timed parts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks.clock import Clock
from benchmarks.trl_case import Case, Question, noise

BATCHES = (128, 64, 32, 16)
"""Candidate values of `per_device_train_batch_size`. The fastest one is measured."""


def dataset(questions: list[Question]) -> Any:
    """Return a dataset in TRL's format, with one prompt and image per row."""
    from datasets import Dataset

    rows = [
        {"prompt": [{"role": "user", "content": question.words}], "image": Image.fromarray(question.image)}
        for question in questions
    ]
    return Dataset.from_list(rows)


def trainer(case: Case, questions: list[Question], folder: Path, forbidden: list[int], batch: int) -> Any:
    """Create a GRPOTrainer with one optimiser update per step and its fastest comparable settings.

    Args:
        case: Workload.
        questions: Prompts of the workload.
        folder: Folder of the model.
        forbidden: Tokens that are never sampled, as in Kickoff.
        batch: Number of completions per forward and backward pass.
    """
    from trl import import_utils

    import_utils.is_vllm_available = lambda *_, **__: False  # avoids an import that is useless on a CPU
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import GRPOConfig, GRPOTrainer

    model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
    config = GRPOConfig(
        output_dir=str(folder / "trl"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        logging_steps=10_000,  # exclude TRL's table of metrics
        max_steps=10_000,
        num_generations=case.group_size,
        per_device_train_batch_size=batch,
        gradient_accumulation_steps=case.replies // batch,
        steps_per_generation=case.replies // batch,
        max_completion_length=case.max_tokens,
        temperature=1.0,
        beta=0.0,  # no reference model
        loss_type="dapo",
        epsilon=0.2,
        epsilon_high=0.28,
        scale_rewards="group",
        learning_rate=case.lr,
        lr_scheduler_type="constant",
        adam_beta1=0.9,
        adam_beta2=0.99,
        adam_epsilon=1e-4,
        max_grad_norm=0.2,
        optim="adamw_torch_fused",
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        shuffle_dataset=False,
        generation_kwargs={"suppress_tokens": forbidden},
        seed=1,
    )

    def reward(completions: list[Any], **_: Any) -> list[float]:
        return noise(len(completions))

    return GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=config,
        train_dataset=dataset(questions),
        processing_class=AutoProcessor.from_pretrained(folder),
    )


def watch(clock: Clock, trainer: Any) -> None:
    """Measure the parts of a trainer with a clock."""

    def scoring() -> str:
        return "forward" if torch.is_grad_enabled() else "old log-probs"

    watched: list[tuple[Any, Any, str]] = [
        ("pictures and tokens", trainer, "_tokenize_prompts"),
        ("pictures and tokens", type(trainer.processing_class), "__call__"),
        ("generate", trainer.model, "generate"),
        (scoring, trainer, "_get_per_token_logps_and_entropies"),
        ("forward", trainer, "compute_loss"),
        ("backward", trainer.accelerator, "backward"),
        ("optimiser", trainer.accelerator, "clip_grad_norm_"),
    ]
    for part, owner, name in watched:
        clock.watch(part, owner, name)


def run(trainer: Any, steps: int, after: Callable[[int], None]) -> None:
    """Train in TRL's own loop.

    Args:
        trainer: TRL's trainer.
        steps: Number of steps.
        after: Function called with 0 at the start and with the step number after each step.
    """
    from transformers import TrainerCallback

    class Steps(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            after(0)

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            after(state.global_step)
            control.should_training_stop = state.global_step >= steps

    trainer.add_callback(Steps())
    trainer.train()


def length(trainer: Any) -> float:
    """Return the mean reply length of the latest step in tokens."""
    masks = [inputs["completion_mask"].float() for inputs in trainer._buffered_inputs]
    return float(np.mean([mask.sum(1).mean().item() for mask in masks]))


def prompts(trainer: Any) -> set[tuple[int, ...]]:
    """Return the prompts of the latest step as tokens, without padding."""
    return {
        tuple(ids[mask.bool()].tolist())
        for inputs in trainer._buffered_inputs
        for ids, mask in zip(inputs["prompt_ids"], inputs["prompt_mask"], strict=True)
    }
