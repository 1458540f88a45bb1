"""TRL's side of `benchmarks/trl_step.py`: its GRPOTrainer on the same prompts, with a clock on its parts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from clock import Clock
from PIL import Image
from trl_case import Case, Question, noise

BATCHES = (128, 64, 32, 16)
"""`per_device_train_batch_size`s that are tried; the quickest is measured."""


def dataset(questions: list[Question]) -> Any:
    """A prompt a row, with its picture, as TRL takes them."""
    from datasets import Dataset

    rows = [
        {"prompt": [{"role": "user", "content": question.words}], "image": Image.fromarray(question.image)}
        for question in questions
    ]
    return Dataset.from_list(rows)


def trainer(case: Case, questions: list[Question], folder: Path, forbidden: list[int], batch: int) -> Any:
    """A GRPOTrainer of one optimiser update a step, at its quickest honest settings for this job.

    Args:
        case: the job.
        questions: its prompts.
        folder: of the model.
        forbidden: tokens that are never sampled, as on our side.
        batch: completions a forward and backward pass.
    """
    from trl import import_utils

    import_utils.is_vllm_available = lambda *_, **__: False  # it would import one, to no use on a CPU
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
        logging_steps=10_000,  # its table of metrics is not part of a step
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
    """Put a trainer's parts on the clock."""

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
    """Train for some steps in TRL's own loop; `after(step)` is called at the end of each."""
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
    """Mean reply of the newest step, in tokens."""
    masks = [inputs["completion_mask"].float() for inputs in trainer._buffered_inputs]
    return float(np.mean([mask.sum(1).mean().item() for mask in masks]))


def prompts(trainer: Any) -> set[tuple[int, ...]]:
    """The newest step's prompts, as the model sees them."""
    return {
        tuple(ids[mask.bool()].tolist())
        for inputs in trainer._buffered_inputs
        for ids, mask in zip(inputs["prompt_ids"], inputs["prompt_mask"], strict=True)
    }
