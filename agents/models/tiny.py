"""Embedded tiny VLM: a one-million-parameter Idefics3 (the SmolVLM architecture), built from scratch.

`build(seed)` returns an untrained model and its processor. The recipe `warmup` clones the experts into it. The weights
that ship in the package are its result. The model must play and learn a game in minutes on a laptop's two cores.
Its initialisation std of 0.08 matters: at transformers' usual 0.02 a model of this size stays near chance.

For tests, `family` builds an equally small model of another family, with its special tokens, chat template and image
processor: Qwen2.5-VL and Qwen3-VL, in which an 84x84 image has nine visual tokens too, or Llama, Qwen2 and Qwen3, which
read text only.
"""

import json
from typing import Any

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, GenerationConfig, PreTrainedTokenizerFast
from transformers.models.idefics3.configuration_idefics3 import Idefics3Config
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLConfig

from agents.chat.template import Chat
from agents.models.load import TEXT, Processor, image_processor, make_chat, model_class

IMAGE_SIZE = 84
PATCH = 14
SCALE = 2
VISUAL_TOKENS = (IMAGE_SIZE // PATCH // SCALE) ** 2
STD = 0.08

# Padding token first, then the tokens that open and close a message.
SPECIAL = ["<|pad|>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>"]
QWEN_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
QWEN_SPECIAL += ["<|video_pad|>"]
TEXT_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TAGS = ["<think>", "</think>", "<answer>", "</answer>"]

# Words that become one token each. Other text falls back to bytes. The list is fixed, not learned, so that the
# vocabulary does not change when a prompt is reworded.
WORDS = """
User: Assistant: idle left top_left top top_right right bottom_right bottom bottom_left long_pass high_pass short_pass
shot sprint release_direction release_sprint sliding dribble release_dribble up down run line shoot pass chase wait
turn score goal ball keeper Play play Football football Solve solve push box answer the
a of to in is and next move find what how many image shown sokoban geometry angle count
Answer with whole number Which which How Is In at there are on or as from red green blue yellow purple orange black
circle square triangle star cross heart diamond shape shapes colour row column line lines end between stands further
closest counted above below picture such Find polygon regular slope grid side
What Spell word letter appear text times does Give only result your final following State Calculate arithmetic problem
multiplication coin fair heads flips probability getting exactly backward example Push every onto target Walk
"""

# SmolVLM's chat template.
CHAT_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% elif part['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)

# Simplified template of Qwen: Qwen2.5-VL starts with a default system message, Qwen3-VL does not.
QWEN_SYSTEM = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
QWEN_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% for part in message['content'] %}{% if part['type'] == 'text' %}{{ part['text'] }}"
    "{% elif part['type'] == 'image' %}{{ '<|vision_start|><|image_pad|><|vision_end|>' }}{% endif %}{% endfor %}"
    "{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)

# Simplified templates of text models: SmolLM2 (a Llama) starts with its own system message, Qwen3 drops the reasoning
# of earlier replies.
SMOLLM_SYSTEM = "<|im_start|>system\nYou are a helpful AI assistant.<|im_end|>\n"
TEXT_TEMPLATE = (
    "{% for message in messages %}{% set said = message['content'] %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + said + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TEMPLATES = {
    "idefics3": CHAT_TEMPLATE,
    "qwen2_5_vl": QWEN_SYSTEM + QWEN_TEMPLATE,
    "qwen3_vl": QWEN_TEMPLATE,
    "llama": SMOLLM_SYSTEM + TEXT_TEMPLATE,
    "qwen2": QWEN_SYSTEM + TEXT_TEMPLATE,
    "qwen3": TEXT_TEMPLATE.replace("message['content']", "message['content'].split('</think>')[-1].lstrip('\n')"),
}


def build_tokenizer(family: str = "idefics3") -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer: single digits, `WORDS` with and without a leading space, reply tags."""
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
    special, named = QWEN_SPECIAL, {"image_token": "<|image_pad|>"}
    if family == "idefics3":
        special, named = SPECIAL, {"image_token": "<image>", "fake_image_token": "<fake_token_around_image>"}
    elif family in TEXT:
        special, named = TEXT_SPECIAL, {}
    tokenizer.add_special_tokens(special)
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in TAGS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=special[0],
        bos_token=special[1],
        eos_token=special[2],
        extra_special_tokens=named,
        chat_template=TEMPLATES[family],
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def build_processor(family: str = "idefics3") -> Processor:
    """Return tokenizer and image processor. Idefics3 takes 84x84 images, Qwen-VL resizes to whole visual tokens."""
    tokenizer = build_tokenizer(family)
    if family in TEXT:
        return Processor(tokenizer, None, {})
    if family == "idefics3":
        edge = {"longest_edge": IMAGE_SIZE}
        images = image_processor(family)(size=edge, max_image_size=edge, do_image_splitting=False)
        facts = {"image_seq_len": VISUAL_TOKENS, "processor_class": "Idefics3Processor"}
        saved = {"image_processor": json.loads(images.to_json_string()), **facts}
        return Processor(
            tokenizer, images, {"processor_config.json": json.dumps(saved, indent=2, sort_keys=True) + "\n"}
        )
    patch = PATCH if family == "qwen2_5_vl" else 16
    size = {"shortest_edge": (2 * patch) ** 2, "longest_edge": 64 * (2 * patch) ** 2}
    norm = {} if family == "qwen2_5_vl" else {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    images = image_processor(family)(size=size, patch_size=patch, **norm)
    facts = {"processor_class": "Qwen2_5_VLProcessor" if family == "qwen2_5_vl" else "Qwen3VLProcessor"}
    saved = json.loads(images.to_json_string()) | facts
    video = saved | {"video_processor_type": f"Qwen{2 if family == 'qwen2_5_vl' else 3}VLVideoProcessor"}
    video.pop("image_processor_type")
    files = {"preprocessor_config.json": saved, "video_preprocessor_config.json": video}
    return Processor(tokenizer, images, {name: json.dumps(text, indent=2) for name, text in files.items()})


def build_config(tokenizer: Any, family: str = "idefics3") -> Any:
    """Return the config with the sizes of the model."""
    ids = {"pad_token_id": tokenizer.pad_token_id}
    ends = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 20.0}
    text: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "intermediate_size": 384,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "max_position_embeddings": 2048,
        "rope_parameters": rope,
        "initializer_range": STD,
        "tie_word_embeddings": True,
        **ids,
        **ends,
    }
    if family in TEXT:  # fewer key heads; Qwen2 has embeddings without a token, Qwen3 a head of its own
        text |= {"num_key_value_heads": 2, "tie_word_embeddings": family != "qwen3"}
        text["vocab_size"] += 5 * (family == "qwen2")
        return AutoConfig.for_model(family, **text, **({"head_dim": 48} if family == "qwen3" else {}))
    vision: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 256,
        "patch_size": PATCH,
        "initializer_range": STD,
    }
    config: Any
    if family == "idefics3":
        text["model_type"] = "llama"
        vision |= {"num_hidden_layers": 2, "num_attention_heads": 2, "image_size": IMAGE_SIZE}
        config = Idefics3Config(
            text_config=text,
            vision_config=vision,
            scale_factor=SCALE,
            image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
            tie_word_embeddings=True,
            **ids,
        )
    else:
        names = {"image_token_id": "<|image_pad|>", "video_token_id": "<|video_pad|>"}
        names |= {f"vision_{part}_token_id": f"<|vision_{part}|>" for part in ("start", "end")}
        special = {key: tokenizer.convert_tokens_to_ids(name) for key, name in names.items()}
        vision |= {"depth": 2, "num_heads": 2, "out_hidden_size": text["hidden_size"]}
        if family == "qwen2_5_vl":
            rope["mrope_section"] = [4, 6, 6]
            vision |= {"window_size": 4 * PATCH, "fullatt_block_indexes": [1]}
            config = Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **special)
        else:
            rope |= {"mrope_section": [6, 5, 5], "mrope_interleaved": True}
            text |= {"head_dim": 32}
            vision |= {"patch_size": 16, "num_position_embeddings": 36, "deepstack_visual_indexes": [0]}
            config = Qwen3VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=True, **special)
    config.initializer_range = STD  # for weights outside the text and vision parts
    for key, value in ends.items():
        setattr(config, key, value)
    return config


def build_chat(family: str = "idefics3") -> Chat:
    """Return the chat template, without a model."""
    processor = build_processor(family)
    return make_chat(build_config(processor.tokenizer, family), processor)


def build(seed: int = 0, family: str = "idefics3") -> tuple[Any, Processor]:
    """Return an untrained model and its processor. Equal seeds give equal weights."""
    processor = build_processor(family)
    config = build_config(processor.tokenizer, family)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = model_class(family).from_config(config, dtype=torch.float32)
    model.generation_config = GenerationConfig(
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=processor.tokenizer.pad_token_id,
    )
    return model.eval(), processor
