r"""Recursive parser of formulas in the notation of `rewrite.plain`. docs/questions.md has the grammar as a table.

A formula is a nested tuple with one of these heads:

- values: `num` (a fraction as text), `sym`, `neg`, `+`, `*`, `/`, `^`, `root` (degree, value), `fn` (name, value),
  `log` (base, value), `abs`, `floor`, `ceil`, `!`, `binom`, and `sign` (1 for ±, -1 for ∓)
- structures: `tuple` (opening bracket, closing bracket, members), `set` (members), `builder` (value, conditions),
  `matrix` (rows), `cup`, `cap`, `setminus`, `all` (ℝ, ℤ, ℕ or ℚ), `ratio` (parts), `rel` (value, sign, value, …)
"""

import re
from fractions import Fraction
from functools import lru_cache

from envs.questions.notation.algebra import MAX_POWER, Unreadable
from envs.questions.notation.brackets import Brackets
from envs.questions.notation.tokens import FUNCTIONS, GREEK, MARKS, NUMBERS, Token, mixed, number, tokens
from envs.questions.notation.trees import Node, has_tower, signed

_RELATIONS = {"=": "=", "<": "<", ">": ">", r"\le": "<=", r"\ge": ">=", r"\ne": "!=", r"\in": "in",
              r"\notin": "notin"}  # fmt: skip
_WORDS = {"infinity": r"\infty", "inf": r"\infty", "infty": r"\infty", "oo": r"\infty", "in": r"\in"}
_CLOSING = {"(": ")", "[": "]", r"\{": r"\}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil"}


class Parser(Brackets):
    """Parser of one formula. Each method reads one rule of the grammar and returns its tree."""

    def parse(self) -> Node:
        """Return the tree of the whole text."""
        node = self.relation()
        if self._at < len(self._tokens):
            raise Unreadable(f"{self._tokens[self._at].text!r} is out of place")
        return node

    def relation(self) -> Node:
        """Return `a`, `a < b` or `a < b < c`."""
        parts: list[object] = [self.sets()]
        while (sign := _WORDS.get(self.peek(), self.peek())) in _RELATIONS:
            self.take()
            parts += [_RELATIONS[sign], self.sets()]
        if len(parts) > 1:
            return ("rel", *parts)
        if self.peek() == ":" and not self.bars:
            while self.peek() == ":":
                self.take()
                parts.append(self.sum())
            if any(part == ("num", "0") for part in parts):
                raise Unreadable("a ratio has no zero")
            return ("ratio", *parts)
        return parts[0]  # type: ignore[return-value]

    def sets(self) -> Node:
        r"""Return sums joined by `\cup`, `\cap` and `\setminus`, from left to right."""
        node = self.sum()
        while self.peek() in (r"\cup", r"\cap", r"\setminus"):
            node = (self.take().text[1:], node, self.sum())
        return node

    def sum(self) -> Node:
        """Return products joined by +, -, ± and ∓."""
        parts = [self.product()]
        while self.peek() in ("+", "-", r"\pm", r"\mp"):
            parts.append(signed(self.take().text, self.product()))
        return parts[0] if len(parts) == 1 else ("+", *parts)

    def product(self) -> Node:
        """Return factors joined by a sign, a division or nothing."""
        if self.peek() in ("-", "+", r"\pm", r"\mp"):
            return signed(self.take().text, self.product())
        node = self.power()
        divided = ""
        while True:
            if self.peek() == r"\cdot" or self.peek() == "/":
                divided = "/" * (self.take().text == "/")
                if divided and self._tokens[self._at : self._at + 1] and self._several_letters():
                    raise Unreadable("unclear what the division covers; write a fraction")
                factor = signed(self.take().text, self.power()) if self.peek() in ("-", "+") else self.power()
                node = ("/", node, factor) if divided else ("*", node, factor)
            elif self._starts_factor():
                token = self._tokens[self._at]
                if divided and not token.spaced:
                    raise Unreadable("unclear what the division covers; write a fraction")
                if token.kind in NUMBERS and node[0] != "!":
                    raise Unreadable("two numbers follow each other")
                node = self._beside(node, self.power())
            else:
                return node

    def _several_letters(self) -> bool:
        token = self._tokens[self._at]
        return token.kind == "word" and len(token.text) > 1 and token.text not in ("pi", "sqrt", *FUNCTIONS)

    @staticmethod
    def _beside(left: Node, right: Node) -> Node:
        r"""Return the product of neighbours, or the mixed number of `2\frac{1}{2}`."""
        if left[0] == "num" and right[0] == "/" and right[1][0] == right[2][0] == "num":
            whole, over, under = (Fraction(part[1]) for part in (left, right[1], right[2]))
            if whole.denominator == over.denominator == under.denominator == 1:
                return ("num", str(mixed(int(whole), int(over), int(under))))
        return ("*", left, right)

    def _starts_factor(self) -> bool:
        text = self.peek()
        if text in ("(", "{", "[") or (text == "|" and not self.bars):
            return True
        if self._at >= len(self._tokens) or text in _WORDS:
            return False
        kind = self._tokens[self._at].kind
        commands = ("frac", "sqrt", "pi", "binom", "infty", "lfloor", "lceil", "text", *MARKS, *FUNCTIONS, *GREEK)
        return kind not in ("command", "sign") or (kind == "command" and text[1:] in commands)

    def power(self) -> Node:
        """Return an atom with its factorial, degree sign and exponent."""
        node = self.atom()
        raised = False
        while self.peek() in ("!", "°", "^", "_", "'"):
            sign = self.take().text
            if raised and sign in ("^", "!"):
                raise Unreadable("a power of a power needs brackets")
            raised = sign in ("^", "!")
            if sign == "!":
                node = ("!", node)
            elif sign == "°":
                node = ("/", ("*", node, ("sym", "pi")), ("num", "180"))
            elif sign == "'":
                if node[0] != "sym":
                    raise Unreadable("a prime belongs to a letter")
                node = ("sym", node[1] + "'")
            elif sign == "_":
                if node[0] != "sym":
                    raise Unreadable("an index belongs to a letter")
                node = ("sym", f"{node[1]}_{self._index()}")
            else:
                node = self._raised(node)
        return node

    def _raised(self, base: Node) -> Node:
        exponent = self.argument()
        if has_tower(exponent) or base[0] == "!":
            raise Unreadable("a power is too large")
        if exponent[0] == "num" and abs(Fraction(exponent[1])) > MAX_POWER:
            raise Unreadable("a power is too large")
        return ("^", base, exponent)

    def _index(self) -> str:
        if self.peek() == "{":
            self.take()
            index = ""
            while self.peek() not in ("}", ""):
                index += self.take().text
            self.expect("}")
            return index
        return self.take().text

    def argument(self, one_digit: bool = False) -> Node:
        r"""Return an argument in braces, or one token as in `\frac12`, `x^12` and `\sqrt3`."""
        if self.peek() in ("{", "("):
            return self.atom()
        if self.peek() == "-":
            self.take()
            return ("neg", self.argument())
        token = self._tokens[self._at] if self._at < len(self._tokens) else Token("", "", False)
        if (
            one_digit
            and token.kind in ("number", "grouped", "mixed")
            and token.text[:1].isdigit()
            and len(token.text) > 1
        ):
            rest = token.text[1:].lstrip()
            self._tokens[self._at : self._at + 1] = tokens(token.text[0]) + tokens(rest)
        elif token.kind == "word" and len(token.text) > 1 and token.text not in ("pi", *FUNCTIONS, "sqrt"):
            self._tokens[self._at : self._at + 1] = [Token(letter, "word", False) for letter in token.text]
        return self.atom()

    def atom(self) -> Node:
        """Return a number, a letter, a bracket or a command with its arguments."""
        token = self.take()
        text, kind = token.text, token.kind
        if kind in NUMBERS:
            return ("num", str(number(token)))
        if text in _CLOSING or text in ("{", "|", r"\begin"):
            return self.bracket(text)
        if kind == "word":
            return self._word(token)
        if kind == "command":
            return self._command(text[1:])
        raise Unreadable(f"{text!r} is out of place" if text else "the formula is incomplete")

    def _word(self, token: Token) -> Node:
        text = token.text
        if text in ("pi", "sqrt", *FUNCTIONS):
            return self._command(text)
        if text in _WORDS:
            return ("sym", "oo")
        if len(text) > 3 or text.casefold() in ("or", "and", "is", "the", "not", "no", "yes", "nan"):
            raise Unreadable(f"{text!r} is not part of a formula")
        if len(text) > 1:  # ab^2 is a·b²
            letters = [Token(letter, "word", False) for letter in text]
            self._tokens[self._at - 1 : self._at] = letters
            node: Node = ("sym", text[0])
            for _ in text[1:-1]:
                node = ("*", node, ("sym", self.take().text))
            return ("*", node, self.power())
        return ("sym", text)

    def _command(self, name: str) -> Node:
        if name in ("frac", "binom"):
            parts = self.argument(one_digit=True), self.argument(one_digit=True)
            return ("/" if name == "frac" else "binom", *parts)
        if name == "sqrt":
            degree = 2
            if self.peek() == "[":
                self.take()
                token = self.take()
                self.expect("]")
                if not re.fullmatch("[2-9]|[1-5][0-9]", token.text):
                    raise Unreadable("the degree of a root must be from 2 to 59")
                degree = int(token.text)
            return ("root", degree, self.argument())
        if name in FUNCTIONS:
            return self._function(name)
        if name == "infty":
            return ("sym", "oo")
        if name in ("pi", *GREEK):
            return ("sym", name.removeprefix("var"))
        if name in ("R", "Z", "N", "Q"):
            return ("all", name)
        if name == "emptyset":
            return ("set",)
        if name in ("text", *MARKS):
            braced = self.peek() == "{"
            if braced:
                self.take()
            letter = self.take()
            if braced:
                self.expect("}")
            if letter.kind == "word" and len(letter.text) <= (1 if name == "text" else 3):
                return ("sym", letter.text if name == "text" else f"{name} {letter.text}")
        raise Unreadable(f"\\{name} is not part of a formula")

    def _function(self, name: str) -> Node:
        base: Node | None = None
        exponent: Node | None = None
        for _ in range(2):
            if self.peek() == "_" and name == "log":
                self.take()
                base = self.argument()
            elif self.peek() == "^":
                self.take()
                exponent = self.argument()
        inner = self.atom() if self.peek() in ("(", "{", "|") else self._operand()
        if exponent == ("neg", ("num", "1")) and name in ("sin", "cos", "tan"):
            return ("fn", "arc" + name, inner)
        node = ("log", base or ("num", "10"), inner) if name in ("log", "lg") else ("fn", name, inner)
        return node if exponent is None else ("^", node, exponent)

    def _operand(self) -> Node:
        r"""Return the operand of a function without brackets: `2x` in `\sin 2x \cos x`."""
        if self.peek() in ("-", "+"):
            return signed(self.take().text, self._operand())
        node = self.power()
        while self._starts_factor() and self.peek().lstrip("\\") not in FUNCTIONS and self.peek() != "(":
            node = self._beside(node, self.power())
        return node


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Return the tree of a formula in plain notation. Raise Unreadable with the reason."""
    try:
        return Parser(tokens(text)).parse()
    except (RecursionError, OverflowError, ZeroDivisionError):
        raise Unreadable("not a formula") from None
