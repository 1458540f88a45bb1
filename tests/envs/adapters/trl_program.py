"""One GRPO step of TRL on a task, with the embedded model. Prints what each sample of the batch saw, did and got."""

import hashlib
import json
import sys
from typing import Any

import torch
import trl
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import import_utils

from envs.adapters.trl import TurnTrainer, environment, starts

import_utils.is_vllm_available = lambda *_, **__: False  # not needed, and slow to import


def seen(content: list[dict[str, Any]]) -> dict[str, Any]:
    """The text and the images of one turn."""
    return {
        "text": "\n".join(block["text"] for block in content if block.get("text")),
        "images": [hashlib.sha256(one["image"].tobytes()).hexdigest() for one in content if one["type"] == "image"],
    }


def main(given: dict[str, Any]) -> dict[str, Any]:
    """Train for one step."""
    model: Any = AutoModelForImageTextToText.from_pretrained(given["model"], dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(given["model"])
    count, group = given["starts"], given["group"]
    config = trl.GRPOConfig(
        output_dir=given["folder"], use_cpu=True, bf16=False, report_to="none", save_strategy="no", disable_tqdm=True,
        max_steps=1, num_generations=group, per_device_train_batch_size=count * group, max_completion_length=400,
        learning_rate=1e-3, beta=0.0, gradient_checkpointing=False, shuffle_dataset=False, seed=1,
    )  # fmt: skip
    trainer = TurnTrainer(
        model=model, args=config, train_dataset=starts(count), processing_class=processor,
        environment_factory=environment(given["env"], given["settings"]),
    )  # fmt: skip
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    trainer.train()
    logs, (batch,) = trainer._logs, trainer._buffered_inputs
    image = processor.tokenizer.convert_tokens_to_ids(processor.image_token)
    ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], 1)
    trained = (batch["tool_mask"] * batch["completion_mask"]).bool()
    rows = [row[mask] for row, mask in zip(batch["completion_ids"], trained, strict=True)]
    samples = []
    for number, (prompt, completion) in enumerate(zip(logs["prompt"], logs["completion"], strict=True)):
        turns = [prompt[-1], *(message for message in completion if message["role"] == "tool")]
        samples.append(
            {
                "seed": number // group,
                "replies": [message["content"] for message in completion if message["role"] == "assistant"],
                "seen": [seen(turn["content"]) for turn in turns],
                "reward": logs["rewards"]["KickoffEnv"][number],
            }
        )
    return {
        "samples": samples,
        "image_tokens": (ids == image).sum(1).tolist(),
        "num_images": batch["num_images"],
        "images": len(batch["pixel_values"]),
        "trained": [processor.tokenizer.decode(row, skip_special_tokens=True) for row in rows],
        "changed": max(float((value.detach() - before[name]).abs().max()) for name, value in model.named_parameters()),
        "template": rendered(processor, given["own_template"], given["template"]),
    }


def rendered(processor: Any, own: str, template: str) -> str:
    """A chat of two turns by a template that drops the images of tools, after the trainer's change to it."""
    processor.chat_template = processor.chat_template.removesuffix(own) + template
    call = {"type": "function", "function": {"name": "act", "arguments": {"reply": "go"}}}
    asked = [{"type": "text", "text": ""}, {"type": "image"}, {"type": "text", "text": "Play."}]
    shown = [{"type": "image"}, {"type": "text", "text": "Next."}]
    chat = [
        {"role": "user", "content": asked},
        {"role": "assistant", "content": [{"type": "text", "text": "go"}], "tool_calls": [call]},
        {"role": "tool", "name": "act", "content": shown},
    ]
    return str(processor.apply_chat_template(chat, add_generation_prompt=True))


print(json.dumps(main(json.load(sys.stdin))))
