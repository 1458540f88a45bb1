from .conversation import Conversation
from .images import ImageCodec
from .template import Chat
from .types import Completion, ContextFull, Message, Prompt, TokenSequence

__all__ = [
    "Chat",
    "Completion",
    "ContextFull",
    "Conversation",
    "ImageCodec",
    "Message",
    "Prompt",
    "TokenSequence",
]
