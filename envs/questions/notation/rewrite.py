r"""One notation for answers: `plain` rewrites what people and models type to a small part of LaTeX.

`½`, `\tfrac12` and `\frac{1}{2}` become the same text, and so do `x⁸` and `x^8`, or `12 \mathrm{~cm}` and
`12\text{cm}`. Each rewriting is a row of a table. Nothing is evaluated.
"""

import re
from collections.abc import Callable

MAX_FORMULA = 300
"""Maximum length of a formula in characters."""

MAX_NESTING = 12
"""Maximum nesting depth of brackets. Deeper formulas are slow to parse and never valid answers."""

_HALVES = {
    "½": "12", "⅓": "13", "⅔": "23", "¼": "14", "¾": "34", "⅕": "15", "⅖": "25", "⅗": "35", "⅘": "45", "⅙": "16",
    "⅚": "56", "⅛": "18", "⅜": "38", "⅝": "58", "⅞": "78",
}  # fmt: skip
_COMMANDS_OF_SIGNS = {
    "×": "cdot", "·": "cdot", "⋅": "cdot", "∙": "cdot", "•": "cdot", "∗": "cdot", "✕": "cdot", "π": "pi", "∞": "infty",
    "±": "pm", "∓": "mp", "≤": "le", "⩽": "le", "≦": "le", "≥": "ge", "⩾": "ge", "≧": "ge", "≠": "ne", "∪": "cup",
    "∩": "cap", "∈": "in", "√": "sqrt", "∅": "emptyset", "∖": "setminus", "⌊": "lfloor", "⌋": "rfloor", "⌈": "lceil",
    "⌉": "rceil", "≈": "approx", "∉": "notin", "∠": "angle", "△": "triangle",
    "ℝ": "R", "ℤ": "Z", "ℕ": "N", "ℚ": "Q", "α": "alpha", "β": "beta", "γ": "gamma",
    "δ": "delta", "ε": "epsilon", "θ": "theta", "λ": "lambda", "μ": "mu", "ν": "nu", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "φ": "phi", "ω": "omega", "∣": "mid",
}  # fmt: skip
_PLAIN_SIGNS = {
    **dict.fromkeys("−–‑‐—﹣－⁃", "-"), **dict.fromkeys("＋﹢", "+"), **dict.fromkeys("÷∕⁄／", "/"), "＊": "*",
    **dict.fromkeys("∶：꞉", ":"), **dict.fromkeys("，、﹐", ","), "；": ";", "。": ".", "．": ".", "（": "(", "）": ")",
    "［": "[", "］": "]", "｛": "{", "｝": "}", "＝": "=", "＜": "<", "＞": ">", "％": "%", "＄": "$", "｜": "|",
    "！": "!", "＾": "^", "＿": "_", "～": "~", "￥": "¥", "º": "°", "˚": "°", "′": "'", "’": "'", "‘": "'", "″": '"',
    "”": '"', "“": '"', "⟨": "(", "⟩": ")", "℃": "°C", "℉": "°F", "㎝": "cm", "㎜": "mm", "㎞": "km",
    "㎏": "kg", "㎡": "m²", "㎠": "cm²", "µ": "μ", "∛": "\\sqrt[3]", "∜": "\\sqrt[4]",
    **dict.fromkeys(map(chr, (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)), " "),
    **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u200e\u200f", ""),
}  # fmt: skip
_SIGNS = str.maketrans(
    {sign: f"\\{command} " for sign, command in _COMMANDS_OF_SIGNS.items()}
    | {sign: rf"\frac{{{digits[0]}}}{{{digits[1]}}}" for sign, digits in _HALVES.items()}
    | _PLAIN_SIGNS
)
_RAISED, _LOWERED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿ", "₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙ"
_LEVEL = str.maketrans(_RAISED + _LOWERED, "0123456789+-()n" * 2)

_SPACE = (
    r"\\[,;:! ]|\\(?:quad|qquad|enspace|thinspace|displaystyle|textstyle|limits|left|right|[bB]igg?[lrm]?)(?![A-Za-z])"
)
_FONTS = "mathrm|mathbf|mathit|mathsf|mbox|hbox|textrm|textbf|textit|textnormal|operatorname|rm|bf"
_ROWS: list[tuple[str, str, str | Callable[[re.Match[str]], str]]] = [
    ("\\", r"\\(?:left|right)\s*(?=\.(?![0-9]))\.", ""),
    (",", r"(?<=[0-9])(?:,\\!|\{,\})\s*(?=[0-9]{3})", ""),  # 10,\!080 and 10{,}080 are 10080
    ("{,}", r"(?<=[0-9])\{,\}(?=[0-9])", "."),
    ("\\", rf"(?<!\\)(?:{_SPACE})", " "),
    ("~", r"~", " "),
    ("\\b", r"\\(?:boldsymbol|bm) ?\{([A-Za-z])\}", r"\\vec{\1}"),
    ("\\math", r"\\mathbf ?\{([A-Za-z])\}", r"\\vec{\1}"),
    ("\\mathbb", r"\\mathbb\s*\{?\s*([RZNQ])\s*\}?", r"\\\1 "),
    ("{", rf"\\(?:{_FONTS})(?![A-Za-z])\s*(?=\{{)", r"\\text"),
    ("\\text", r"\\text\s*\{\s*((?:[^{}]|\^\{-?[0-9]\})*?)\s*\}", lambda match: _text(match[1])),
    ("\\text", r"\\text\{([0-9]+|to|thousand|million|billion|trillion)\}", r" \1 "),
    ("10", r"(?<=[0-9]) ?[xX] ?(?=10 ?\^)", r"\\cdot "),
    ("frac", r"\\[dtc]frac(?![A-Za-z])", r"\\frac"),
    ("\\l", r"\\(?:leq|leqslant)(?![A-Za-z])", r"\\le "),
    ("<=", r"<=", r"\\le "),
    ("\\g", r"\\(?:geq|geqslant)(?![A-Za-z])", r"\\ge "),
    (">=", r">=", r"\\ge "),
    ("\\n", r"\\neq(?![A-Za-z])|\\not\s*=", r"\\ne "),
    ("!=", r"!=", r"\\ne "),
    ("\\lt", r"\\lt(?![A-Za-z])", "<"),
    ("\\gt", r"\\gt(?![A-Za-z])", ">"),
    ("**", r"\*\*", "^"),
    ("*", r"\*", r"\\cdot "),
    ("\\times", r"\\times(?![A-Za-z])", r"\\cdot "),
    ("\\ast", r"\\ast(?![A-Za-z])", r"\\cdot "),
    ("\\div", r"\\div(?![A-Za-z])", "/"),
    ("\\%", r"\\%", "%"),
    ("\\varnothing", r"\\varnothing(?![A-Za-z])", r"\\emptyset "),
    ("circ", r"(?:\\cdot\s*)?(?:\{\})?(?:\^\s*\{\s*\\circ\s*\}|\^\s*\\circ(?![A-Za-z]))", "°"),
    ("\\degree", r"(?:\\cdot\s*)?\\degrees?(?![A-Za-z])", "°"),
    ("°", r"\\cdot\s*°", "°"),
    ("\\lbrace", r"\\lbrace(?![A-Za-z])", r"\\{"),
    ("\\rbrace", r"\\rbrace(?![A-Za-z])", r"\\}"),
    ("\\langle", r"\\langle(?![A-Za-z])", "("),
    ("\\rangle", r"\\rangle(?![A-Za-z])", ")"),
    ("vert", r"\\[lr]?vert(?![A-Za-z])", "|"),
    ("\\colon", r"\\colon(?![A-Za-z])", ":"),
    ("\\", r"\\(?:d?dot|bar|overline)\s*\{([0-9]+)\}", r"\\overline{\1}"),
    ("\\overrightarrow", r"\\overrightarrow(?![A-Za-z])", r"\\vec"),
    ("\\Omega", r"\\Omega(?![A-Za-z])", "Ω"),
    ("\\prime", r"\\prime(?![A-Za-z])", "'"),
    ("又", r"(?<=[0-9])又(?=[0-9\\])", " "),
    (" ", r" +", " "),
]  # fmt: skip
_REWRITINGS = [(sign, re.compile(pattern), replacement) for sign, pattern, replacement in _ROWS]
"""Rewritings in order: a part that a text must contain, a pattern, and its replacement. They follow `_SIGNS`."""


_LEVELS = re.compile(f"[{_RAISED}]+|[{_LOWERED}]+")


def _levelled(match: re.Match[str]) -> str:
    """Return digits above or below the line in LaTeX: `^{12}` or `_{12}`."""
    return ("^" if match[0][0] in _RAISED else "_") + f"{{{match[0].translate(_LEVEL)}}}"


def _text(inside: str) -> str:
    r"""Return words in LaTeX without inner braces: `\text{m s^-2}`."""
    return "\\text{" + re.sub("[{}]", "", inside) + "}"


def bare(text: str) -> str:
    r"""Strip the wrappers of an answer: spaces, `$…$`, `\(…\)`, `\[…\]`, `\boxed{…}` and a final full stop."""
    before = None
    while text != before:
        before = text = text.strip(" \t\r\n\u00a0\u3000")
        if text.endswith((".", "。")) and not text.endswith("..") and len(text) > 1:
            text = text[:-1].rstrip()
        for opening, closing in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
            inner = text[len(opening) : -len(closing)]
            if (
                text.startswith(opening)
                and text.endswith(closing)
                and len(text) >= len(opening + closing)
                and inner
                and not inner.endswith("\\")
                and not re.search(r"(?<!\\)\$|(?<!\\)\\[()\[\]]", inner)
            ):
                text = inner
        if text.startswith((r"\boxed{", r"\fbox{")) and closing_bracket(text, text.index("{")) == len(text) - 1:
            text = text[text.index("{") + 1 : -1]
    return text


def closing_bracket(text: str, opening: int) -> int:
    """Return the index of the bracket that closes the one at `opening`, or -1."""
    left = text[opening]
    right = {"{": "}", "(": ")"}[left]
    depth = 0
    for index in range(opening, len(text)):
        depth += (text[index] == left) - (text[index] == right)
        if depth == 0:
            return index
    return -1


def nesting(text: str) -> int:
    """Return the nesting depth of the brackets."""
    depth = deepest = 0
    for character in text:
        depth += (character in "({[") - (character in ")}]")
        deepest = max(deepest, depth)
    return deepest


def plain(text: str) -> str:
    """Return an answer without wrappers in the one notation, or "" if the text is too long or too deeply nested."""
    if len(text) > MAX_FORMULA:
        return ""
    text = re.sub(r"[\t\r\n]", " ", bare(text))
    if not text.isascii():
        text = _LEVELS.sub(_levelled, text).translate(_SIGNS)
    for sign, pattern, replacement in _REWRITINGS:
        if sign in text:
            text = pattern.sub(replacement, text)
    text = bare(text)
    if (said := re.fullmatch(r"\\text\{([^{}]*[0-9][^{}]*)\}", text)) is not None:
        text = bare(said[1])
    return text if len(text) <= 4 * MAX_FORMULA and nesting(text) <= MAX_NESTING else ""
