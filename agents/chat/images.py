"""Image codecs: tokens, patches and pixels of an image for each model family.

Sizes follow the arithmetic of the family's own image processor. H and W are the height and width of an image.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Frame = NDArray[np.uint8]
Ids = NDArray[np.int32]


class ImageCodec(Protocol):
    """Image interface that a conversation and a model need from a model family."""

    image_token: int
    """ID of the placeholder token. One placeholder stands for one visual token."""
    collapsed: Ids
    """Tokens that a chat template writes for one image. vLLM replaces them with the image's tokens. A model that reads
    text only has none."""

    def check(self, h: int, w: int) -> None:
        """Raise a one-line ValueError unless the model accepts images of this size."""
        ...

    def fit(self, frame: Frame) -> Frame:
        """Return the image [H, W, 3] resized for the model. The engine and the learner then use equal pixels."""
        ...

    def tokens(self, h: int, w: int) -> Ids:
        """Return all tokens of an image, including the tokens around the placeholders."""
        ...

    def visual_tokens(self, h: int, w: int) -> int:
        """Return the number of placeholders in `tokens`."""
        ...

    def patches(self, h: int, w: int) -> int:
        """Return the number of patches that the vision tower processes: the cost of an image."""
        ...

    def pixels(self, frames: Sequence[Frame]) -> dict[str, Tensor]:
        """Return the vision tower's inputs, float32, with the images concatenated in order."""
        ...

    def spans(self, tokens: Ids) -> list[tuple[int, int]]:
        """Return the (start, stop) position of each image in expanded tokens."""
        ...


def check_pixels(images: Sequence[Frame], max_pixels: int) -> None:
    """Raise ValueError (one line) if an image has more than `engine.vllm.max_pixels` pixels; 0 is no limit."""
    for image in images:
        height, width = image.shape[:2]
        if max_pixels and height * width > max_pixels:
            raise ValueError(
                f"an image of {height}x{width} pixels exceeds engine.vllm.max_pixels={max_pixels}; "
                "raise it or set it to 0"
            )


def _normalized(frames: Sequence[Frame], images: Any) -> Tensor:
    """Rescale and normalise images of one size as the image processor does: [n, H, W, 3] → [n, 3, H, W]."""
    stacked = torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()
    if images.do_rescale:
        mean, std = (torch.tensor(part, dtype=torch.float64) for part in (images.image_mean, images.image_std))
        if not images.do_normalize:
            mean, std = torch.zeros_like(mean), torch.ones_like(std)
        scale, shift = (part.float()[:, None, None] for part in (std / images.rescale_factor, mean / std))
        stacked = stacked.div_(scale).sub_(shift)
    return stacked


class Idefics3Images:
    """Codec of Idefics3 and SmolVLM: square tiles of equally many visual tokens, then the downscaled whole image."""

    def __init__(self, images: Any, tokenizer: Any, config: Any) -> None:
        """Read the tile size and token IDs.

        Args:
            images: image processor of the family.
            tokenizer: tokenizer of the model.
            config: transformers config of the model.
        """
        self.images = images
        self.tile: int = images.max_image_size["longest_edge"]
        self.split: bool = images.do_image_splitting
        # One tile and no larger view: images of any other size would silently lose detail.
        self.fixed = not self.split and images.size["longest_edge"] == self.tile
        side = self.tile // int(config.vision_config.patch_size)
        self.patches_a_tile: int = side * side
        self.tokens_a_tile: int = side * side // int(config.scale_factor) ** 2
        self.image_token: int = config.image_token_id
        self.collapsed = np.array([self.image_token], dtype=np.int32)
        self._tokenizer = tokenizer
        ids = tokenizer.convert_tokens_to_ids
        self._fake: int = ids("<fake_token_around_image>")
        self._whole: int = ids("<global-img>")

    def check(self, h: int, w: int) -> None:
        """Raise ValueError if the model neither splits nor resizes images and the size differs from its tile."""
        if self.fixed and (h, w) != (self.tile, self.tile):
            needed = f"the model needs images of {self.tile}x{self.tile}"
            raise ValueError(f"{needed}, got {h}x{w}; write env.image_size=[{self.tile},{self.tile}]")

    def fit(self, frame: Frame) -> Frame:
        """Return the image unchanged. The tiles and the downscaled whole image are resized from it."""
        self.check(*frame.shape[:2])
        return frame

    def grid(self, h: int, w: int) -> tuple[int, int]:
        """Return the rows and columns of tiles, or (0, 0) if only the whole image is used."""
        self.check(h, w)
        if not self.split:
            return 0, 0
        longest, tile = self.images.size["longest_edge"], self.tile
        h, w = _longest_edge(h, w, longest)
        if w >= h:  # scale the shorter side to match the longer one, then round both up to whole tiles
            wide = -(-w // tile) * tile
            high = -(-int(wide / (w / h)) // tile) * tile
        else:
            high = -(-h // tile) * tile
            wide = -(-int(high * (w / h)) // tile) * tile
        return (0, 0) if high <= tile and wide <= tile else (high // tile, wide // tile)

    def tokens(self, h: int, w: int) -> Ids:
        """Return the tiles row by row, each after its own tag, then the whole image."""
        rows, columns = self.grid(h, w)
        fake, placeholders = "<fake_token_around_image>", "<image>" * self.tokens_a_tile
        text = ""
        for row in range(1, rows + 1):
            for column in range(1, columns + 1):
                text += f"{fake}<row_{row}_col_{column}>{placeholders}"
            text += "\n"
        text += "\n" * bool(rows) + f"{fake}<global-img>{placeholders}{fake}"
        return np.asarray(self._tokenizer.encode(text, add_special_tokens=False), dtype=np.int32)

    def tiles(self, h: int, w: int) -> int:
        """Return the number of tiles of one image, including the downscaled whole image."""
        rows, columns = self.grid(h, w)
        return rows * columns + 1

    def visual_tokens(self, h: int, w: int) -> int:
        """Return the number of visual tokens: tiles × tokens per tile."""
        return self.tiles(h, w) * self.tokens_a_tile

    def patches(self, h: int, w: int) -> int:
        """Return the number of patches: tiles × patches per tile."""
        return self.tiles(h, w) * self.patches_a_tile

    def pixels(self, frames: Sequence[Frame]) -> dict[str, Tensor]:
        """Return `pixel_values` [P, 1, 3, S, S]: the P tiles of S x S pixels of all images, in token order."""
        for frame in frames:
            self.check(*frame.shape[:2])
        if self.fixed:
            return {"pixel_values": _normalized(frames, self.images).unsqueeze(1)}
        tiles = [
            self.images([[frame]], input_data_format="channels_last", return_tensors="pt")["pixel_values"][0]
            for frame in frames
        ]
        return {"pixel_values": torch.cat(tiles).unsqueeze(1)}

    def spans(self, tokens: Ids) -> list[tuple[int, int]]:
        """Return the span of each image, from its first tag to the closing tag of the whole image."""
        stops = np.flatnonzero(tokens == self._whole) + 1 + self.tokens_a_tile + 1
        fakes = np.flatnonzero(tokens == self._fake)
        starts = fakes[np.searchsorted(fakes, [0, *stops[:-1]])] if len(stops) else stops
        return list(zip(starts.tolist(), stops.tolist(), strict=True))


def _longest_edge(h: int, w: int, longest: int) -> tuple[int, int]:
    """Return the size of Idefics3's first resize: `longest` for the longest edge, an even number for the other."""
    from transformers.models.idefics3.image_processing_pil_idefics3 import get_resize_output_image_size

    shape_only = np.broadcast_to(np.uint8(0), (3, h, w))
    size: tuple[int, int] = get_resize_output_image_size(shape_only, longest)
    return size


class QwenImages:
    """Codec of Qwen2.5-VL and Qwen3-VL: images of any size, one visual token per `merge` x `merge` patches."""

    def __init__(self, images: Any, tokenizer: Any, config: Any) -> None:
        """Read the patch size and token IDs.

        Args:
            images: image processor of the family.
            tokenizer: tokenizer of the model.
            config: transformers config of the model.
        """
        self.images = images
        self.patch: int = images.patch_size
        self.merge: int = images.merge_size
        self.image_token: int = config.image_token_id
        self._start, self._end = (tokenizer.convert_tokens_to_ids(f"<|vision_{part}|>") for part in ("start", "end"))
        self.collapsed = np.array([self._start, self.image_token, self._end], dtype=np.int32)

    def size(self, h: int, w: int) -> tuple[int, int]:
        """Return the height and width after resizing: multiples of one visual token, within the pixel limits."""
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

        limits = self.images.size
        resized: tuple[int, int] = smart_resize(
            h, w, self.patch * self.merge, limits["shortest_edge"], limits["longest_edge"]
        )
        return resized

    def check(self, h: int, w: int) -> None:
        """Raise ValueError if one side is more than 200 times the other."""
        if max(h, w) > 200 * min(h, w):
            raise ValueError(f"the model does not accept images of {h}x{w}: one side is more than 200 times the other")

    def fit(self, frame: Frame) -> Frame:
        """Return the image at `size`, resized by the image processor."""
        h, w = frame.shape[:2]
        self.check(h, w)
        if self.size(h, w) == (h, w):
            return frame
        resized = self.images.resize(
            frame.transpose(2, 0, 1),
            size=_size_dict(self.images.size),
            resample=self.images.resample,
            factor=self.patch * self.merge,
        )
        return np.ascontiguousarray(resized.transpose(1, 2, 0))

    def tokens(self, h: int, w: int) -> Ids:
        """Return the placeholders between the start and end tags."""
        inside = np.full(self.visual_tokens(h, w), self.image_token, dtype=np.int32)
        return np.concatenate([self.collapsed[:1], inside, self.collapsed[-1:]])

    def visual_tokens(self, h: int, w: int) -> int:
        """Return the number of visual tokens: one per `merge` x `merge` patches."""
        return self.patches(h, w) // self.merge**2

    def patches(self, h: int, w: int) -> int:
        """Return the number of patches after resizing."""
        self.check(h, w)
        high, wide = self.size(h, w)
        return (high // self.patch) * (wide // self.patch)

    def pixels(self, frames: Sequence[Frame]) -> dict[str, Tensor]:
        """Return `pixel_values` [P, 3*t*p*p], all patches, and `image_grid_thw` [U, 3] of the U images."""
        values, grids = [], []
        for (h, w, _), group in groupby((self.fit(frame) for frame in frames), key=lambda frame: frame.shape):
            same = list(group)
            values.append(self._patchify(_normalized(same, self.images)))
            grids += [[1, h // self.patch, w // self.patch]] * len(same)
        return {"pixel_values": torch.cat(values), "image_grid_thw": torch.tensor(grids)}

    def _patchify(self, pixels: Tensor) -> Tensor:
        """Split images into patches: [n, 3, H, W] → [n * patches, 3*t*p*p]. Patches of a visual token are adjacent."""
        n, channels, h, w = pixels.shape
        p, m, t = self.patch, self.merge, self.images.temporal_patch_size
        blocks = pixels.reshape(n, channels, h // (p * m), m, p, w // (p * m), m, p).permute(0, 2, 5, 3, 6, 1, 4, 7)
        return blocks.unsqueeze(6).expand(*blocks.shape[:6], t, p, p).reshape(-1, channels * t * p * p)

    def spans(self, tokens: Ids) -> list[tuple[int, int]]:
        """Return the span of each image, from start tag to end tag."""
        starts, ends = (np.flatnonzero(tokens == tag).tolist() for tag in (self._start, self._end))
        return [(start, end + 1) for start, end in zip(starts, ends, strict=True)]


def _size_dict(size: Any) -> Any:
    from transformers.image_utils import SizeDict

    return size if isinstance(size, SizeDict) else SizeDict(**size)
