"""Gymnasium spaces of texts.

Gymnasium's `AsyncVectorEnv` decodes shared texts only once, before the first reset. `SharedText` decodes them whenever
they are read.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils.shared_memory import read_from_shared_memory


class SharedText(spaces.Text):
    """Space of texts that can be shared between processes."""


class _SharedTexts(Sequence[str]):
    """Texts of N environments in shared memory, decoded on access. A copy is a tuple."""

    def __init__(self, space: SharedText, memory: Any, count: int) -> None:
        self._space = space
        self._codes = np.frombuffer(memory.get_obj(), np.int32).reshape(count, space.max_length)

    def __len__(self) -> int:
        return len(self._codes)

    def __getitem__(self, index: Any) -> Any:
        characters: Any = self._space.character_list
        codes = self._codes[index].tolist()
        return "".join(characters[code] for code in codes if code < len(characters))

    def __deepcopy__(self, memo: Any) -> tuple[str, ...]:
        return tuple(self)


@read_from_shared_memory.register(SharedText)
def _read(space: SharedText, shared_memory: Any, n: int = 1) -> Sequence[str]:
    return _SharedTexts(space, shared_memory, n)


CHARACTERS = "".join(chr(code) for code in range(32, 127)) + "\n−"
"""Characters drawn by `FreeText.sample`: printable ASCII, line breaks and the typographic minus."""


class _AllCharacters(Sequence[str]):
    """All characters of Unicode by code point."""

    def __len__(self) -> int:
        return sys.maxunicode + 1

    def __getitem__(self, index: Any) -> Any:
        return chr(index)

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1


ALL_CHARACTERS: Any = _AllCharacters()


class FreeText(SharedText):
    """Space of all texts with up to `max_length` characters, in any script.

    `flatten` and shared memory use code points. `sample` draws from `CHARACTERS`.
    """

    character_set = character_list = ALL_CHARACTERS

    def __init__(self, max_length: int) -> None:
        super().__init__(max_length, min_length=0, charset=CHARACTERS)

    def character_index(self, char: str) -> np.int32:
        """Return the code point of a character."""
        return np.int32(ord(char))

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """Draw a text. `mask` and `probability` are as in `gymnasium.spaces.Text`, over `CHARACTERS`."""
        return spaces.Text(self.max_length, min_length=0, charset=CHARACTERS, seed=self.np_random).sample(
            mask, probability
        )

    def contains(self, x: Any) -> bool:
        """Return True if x is a text within the maximum length."""
        return isinstance(x, str) and len(x) <= self.max_length
