"""The embedded tiny VLM: a one-million-parameter Idefics3 (the SmolVLM architecture), built from scratch.

`build(seed)` gives an untrained model and its processor; `python -m agents.warmup` clones the experts into it and
writes the weights that ship in the package. Sizes follow one rule: a laptop's two cores must play and learn a game in
minutes. Initialisation std 0.08 matters: at transformers' usual 0.02 a model of this size stays near chance.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3Processor,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

from agents.chat import Chat
from agents.models import Processor, make_chat

IMAGE_SIZE = 84
PATCH = 14
SCALE = 2
VISUAL_TOKENS = (IMAGE_SIZE // PATCH // SCALE) ** 2

SPECIAL = ["<|pad|>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>"]
TAGS = ["<think>", "</think>", "<answer>", "</answer>"]

# Words that become one token each; any other text falls back to bytes. Listed, not learned, so that the vocabulary
# does not drift when a prompt is reworded.
WORDS = """
User: Assistant: idle left top_left top top_right right bottom_right bottom bottom_left long_pass high_pass short_pass
shot sprint release_direction release_sprint sliding dribble release_dribble up down run line shoot pass chase wait
turn score goal ball keeper Play play Football football Solve solve push box answer the
a of to in is and next move find what how many image shown sokoban geometry angle count
"""

# SmolVLM's chat template.
CHAT_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% elif part['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE: single digits, the words of `WORDS` with and without a leading space, the reply tags."""
    tokenizer = Tokenizer(models.BPE())
    pattern = Regex(r"\d| ?[\p{L}_]+:?| ?[^\s\p{L}\d_]|\s+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pattern, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2048, min_frequency=1, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    words = WORDS.split()
    tokenizer.train_from_iterator([*words, *(f" {word}" for word in words if not word.endswith(":"))], trainer)
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<end_of_utterance>",
        pad_token="<|pad|>",
        extra_special_tokens={"image_token": "<image>", "fake_image_token": "<fake_token_around_image>"},
        chat_template=CHAT_TEMPLATE,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def build_processor() -> Processor:
    """Tokenizer and image processor: 84x84 frames go in as they are, as nine visual tokens."""
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": IMAGE_SIZE}, max_image_size={"longest_edge": IMAGE_SIZE}, do_image_splitting=False
    )
    tokenizer = build_tokenizer()
    whole: Any = Idefics3Processor(images, tokenizer, image_seq_len=VISUAL_TOKENS, chat_template=CHAT_TEMPLATE)
    with TemporaryDirectory() as folder:
        whole.save_pretrained(folder)
        name = "processor_config.json"
        return Processor(tokenizer, images, {name: (Path(folder) / name).read_text()})


def build_config(tokenizer: Any) -> Idefics3Config:
    """The sizes of the model."""
    std = 0.08
    config = Idefics3Config(
        text_config={
            "model_type": "llama",
            "vocab_size": len(tokenizer),
            "hidden_size": 128,
            "intermediate_size": 384,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "max_position_embeddings": 2048,
            "rope_parameters": {"rope_type": "default", "rope_theta": 20.0},
            "initializer_range": std,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": True,
        },
        vision_config={
            "hidden_size": 64,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": IMAGE_SIZE,
            "patch_size": PATCH,
            "initializer_range": std,
        },
        scale_factor=SCALE,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    config.initializer_range = std  # of what belongs to neither part
    config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    return config


def build_chat() -> Chat:
    """How to talk to it, without the model."""
    processor = build_processor()
    return make_chat(build_config(processor.tokenizer), processor)


def build(seed: int = 0) -> tuple[Idefics3ForConditionalGeneration, Processor]:
    """An untrained model and its processor; the same seed gives the same weights."""
    processor = build_processor()
    tokenizer = processor.tokenizer
    config = build_config(tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Idefics3ForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return model.eval(), processor
