from .conversation import Conversation
from .images import Pictures
from .template import Chat
from .types import Branch, Completion, ContextFull, Message, Prompt

__all__ = [
    "Branch",
    "Chat",
    "Completion",
    "ContextFull",
    "Conversation",
    "Message",
    "Pictures",
    "Prompt",
]
