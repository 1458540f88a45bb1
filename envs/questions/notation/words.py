"""Text answers: words, choice letters, and which gold answers of a file are text."""

import re

from envs.questions.notation.literals import special
from envs.questions.notation.rewrite import MAX_FORMULA, bare, plain

_CHOICE = re.compile(r"\(?([A-Z])\)?[.:]?", re.IGNORECASE)
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF08, 0xFF5B) if not 0xFF10 <= wide <= 0xFF19}
"""Full-width letters and signs, without digits."""
_SAID = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox)\s*\{([^{}]*)\}")
_SEVERAL = re.compile(r"\(?[A-H]\)?(?:(?: ?(?:[,;、，] ?(?:and )?|and |和) ?)?\(?[A-H]\)?){1,7}")
_LETTER = r"[^\W\d_²³¹⁰-₟]"
_WORD = rf"{_LETTER}+"
_SIGNS = frozenset("+ - − × ÷ < > = ≤ ≥ ≠ ≈".split())
_WORDS = re.compile(
    rf"(?:[A-Za-z]\.){{2,}}"
    rf"|(?:[0-9]+(?:st|nd|rd|th) ?|[0-9]+-(?=[A-Za-z]{{3}}))?{_WORD}(?:[ ,.'’/&:;()\x22%$+-]+[^\W_²³¹⁰-₟]+)*[.)?%]?"
)
_SHORT = frozenset(
    "no on off up in at by he me we us it is be do go of or to so my if an as am ok tv pm hi".split()
)  # words of two letters, which are not products
_PRODUCT = re.compile(r"[a-z]{2}|(?:[A-Za-z]{1,2}-)+[A-Za-z]{1,2}|xyz|abc|pqr")
_NO_TEXT = re.compile(r"[\\^_{}=<>|*]|^[-+.$]?[0-9][0-9.,/]*$")
"""Signs of formulas, which no text has."""
_FORMULA_WORDS = frozenset("pi sqrt and or sin cos tan cot sec csc arcsin arccos arctan ln log exp".split())
_HAN = re.compile(r"(?:[\u4e00-\u9fff①-⑳Ⅰ-Ⅻ√×✓✗△∥⊥≌∽⊙][,，、; ]?)*[\u4e00-\u9fff①-⑳Ⅰ-Ⅻ√×✓✗△∥⊥≌∽⊙]")


def undressed(text: str) -> str:
    r"""Return the text without wrappers, such as `Monday` from `$\text{Monday}$.`."""
    text = bare(text)
    said = _SAID.fullmatch(text)
    return (said[1].strip() if said else text).translate(_WIDE)


def words(text: str) -> str:
    """Return a text in the form in which texts are compared: without wrappers, extra spaces and case."""
    found = " ".join(undressed(text).replace("’", "'").replace("‑", "-").split()).casefold()
    choice = _CHOICE.fullmatch(found)
    return choice[1] if choice else found


def choices(text: str, listed: bool = False) -> str:
    """Return the sorted letters of a multiple choice such as `ACD` or `A, C`, or "" for any other text.

    Args:
        text: Text without wrappers.
        listed: Accept the letters in any order.
    """
    if not _SEVERAL.fullmatch(text):
        return ""
    letters = re.findall("[A-H]", text)
    if len(set(letters)) < len(letters) or (not listed and letters != sorted(letters)):
        return ""
    return "".join(sorted(letters))


def text_gold(text: str) -> str | None:
    """Return the gold answer of a text from a file if it is text and no formula, otherwise None."""
    said = undressed(text).strip()
    choice = _CHOICE.fullmatch(said)
    if choice and (said != choice[1] or choice[1].isupper()):
        return choice[1]
    if len(said) > MAX_FORMULA or said.casefold() in ("pi", "inf", "nan"):
        return None
    if _SAID.fullmatch(bare(text)):
        return said if re.fullmatch(r"\D*[^\W\d_]\D*", said) else None
    if said in _SIGNS:
        return said
    if _NO_TEXT.search(said):
        return None
    if _HAN.fullmatch(said) or choices(said):
        return said
    if not re.search("[&.]", said) and all(
        len(word) == 1 or word in _FORMULA_WORDS for word in re.findall(r"[^\W\d_]+", said)
    ):
        return None
    if _PRODUCT.fullmatch(said) and said not in _SHORT:
        return None
    if (
        _WORDS.fullmatch(said)
        and re.search(rf"{_LETTER}{{2}}|[&.]", said)
        and not re.search(r"\w\([a-z](?:, ?[a-z])*\)", said)
        and not special(plain(said))  # April 2, 2005
    ):
        return said
    return None


def mixed_text(text: str) -> str | None:
    """Return a text of letters and digits that is neither a formula nor words, such as `H2O`, or None."""
    said = undressed(text)
    form = r"[A-Za-z][A-Za-z0-9]*(?:[ -][A-Za-z0-9]+)*|[△∠⊙]?[A-Z]{1,4}'?[∥⊥≌∽//]+[△∠⊙]?[A-Z]{1,4}'?"
    return said if len(said) <= MAX_FORMULA and re.fullmatch(form, said) else None
