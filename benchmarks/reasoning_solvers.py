"""Independent solvers of reasoning-gym's tasks with numbers and texts, for `reasoning_golds`."""

import math
import re
from collections import Counter
from datetime import date
from fractions import Fraction


def integers(text: str) -> list[int]:
    """Return the integers of a text."""
    return [int(found) for found in re.findall(r"-?\d+", text)]


def evaluated(expression: str) -> Fraction:
    """Return the exact value of an expression with numbers, + - * / and brackets, by recursive descent."""
    tokens = re.findall(r"\d+\.?\d*|[-+*/()]", expression)

    def total() -> Fraction:
        value = term()
        while tokens and tokens[0] in "+-":
            value = value + term() if tokens.pop(0) == "+" else value - term()
        return value

    def term() -> Fraction:
        value = factor()
        while tokens and tokens[0] in "*/":
            value = value * factor() if tokens.pop(0) == "*" else value / factor()
        return value

    def factor() -> Fraction:
        token = tokens.pop(0)
        if token == "-":
            return -factor()
        if token == "(":
            value = total()
            tokens.pop(0)
            return value
        return Fraction(token)

    return total()


def arithmetic(question: str, gold: str) -> bool | None:
    """Value of a chain of numbers such as 5 - 3 - 6."""
    found = re.search(r"(-?[\d(][\d .+*/()-]*[\d)])\s*(?:=|\.|\?|$)", question.strip().rstrip("?=. "))
    return evaluated(found[1]) == Fraction(gold) if found else None


def primes(limit: int) -> list[int]:
    """Return the primes up to a limit."""
    sieve = bytearray([0, 0]) + bytearray([1]) * (limit - 1)
    for number in range(2, math.isqrt(limit) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(sieve[number * number :: number]))
    return [number for number in range(limit + 1) if sieve[number]]


def factors(question: str, gold: str) -> bool:
    """The factors are prime, in order, and their product is the number."""
    found = integers(gold)
    known = set(primes(max(found)))
    return math.prod(found) == integers(question)[0] and set(found) <= known and found == sorted(found)


def conversion(question: str, gold: str) -> bool | None:
    """A number of one base in another one."""
    found = re.search(r"base-(\d+) number (\w+) to (?:base-(\d+)|(binary|hexadecimal))", question)
    if found is None or not found[3]:
        return None
    return int(found[2], int(found[1])) == int(gold, int(found[3]))


def schedule(question: str, gold: str) -> bool:
    """The prerequisites have no cycle."""
    pairs = [(int(a), int(b)) for a, b in re.findall(r"\((\d+), (\d+)\)", question)]
    left = {course for pair in pairs for course in pair}
    while ready := {course for course in left if not any(a == course and b in left for a, b in pairs)}:
        left -= ready
    return (not left) == (gold == "True")


def sorting(question: str, gold: str) -> bool:
    """Words in ASCII order."""
    words = question.strip().split("comma-separated list: ")[1].split(", ")
    return gold.split(", ") == sorted(words, reverse="in descending order" in question)


def number_sorting(question: str, gold: str) -> bool:
    """Numbers in order."""
    numbers = [float(text) for text in re.findall(r"-?\d+\.?\d*", question.split(":")[1].split("\n")[0])]
    found = [float(text) for text in re.findall(r"-?\d+\.?\d*", gold)]
    return found == sorted(numbers, reverse="descending" in question)


def filtering(question: str, gold: str) -> bool:
    """Numbers above or below a limit."""
    keep, side, limit = re.search(r"(Keep|Remove) all numbers (larger|smaller) than (-?[\d.]+)", question).groups()  # type: ignore[union-attr]
    texts = re.findall(r"'(-?[\d.]+)'", question)
    inside = [(float(text) > float(limit)) == (side == "larger") and float(text) != float(limit) for text in texts]
    kept = [text for text, one in zip(texts, inside, strict=True) if one == (keep == "Keep")]
    return [float(text) for text in kept] == [float(text) for text in re.findall(r"'(-?[\d.]+)'", gold)]


def alternation(question: str, gold: str) -> bool:
    """Fewest swaps that make a binary string alternate."""
    bits = question.strip().split()[-1]
    counts = []
    for start in "01":
        wanted = [start if index % 2 == 0 else "10"[int(start)] for index in range(len(bits))]
        if Counter(wanted) == Counter(bits):
            counts.append(sum(a != b for a, b in zip(bits, wanted, strict=True)) // 2)
    return int(gold) == min(counts, default=-1)


def dice(question: str, gold: str) -> bool:
    """Odds of a sum of dice."""
    sides = [int(found) for found in re.findall(r"1d(\d+)", question.split(".")[0])]
    least = int(re.search(r"rolling (\d+) or higher", question)[1])  # type: ignore[index]
    ways = Counter({0: 1})
    for side in sides:
        ways = Counter({n: sum(ways[n - k] for k in range(1, side + 1)) for n in range(1, sum(sides) + 1)})
    return Fraction(sum(count for n, count in ways.items() if n >= least), math.prod(sides)) == Fraction(gold)


def coins(question: str, gold: str) -> bool | None:
    """Probability of a number of heads or tails."""
    found = re.search(r"(exactly|at least|at most) (\d+) (?:heads|tails) in (\d+)", question)
    if found is None:
        return None
    wanted, flips = int(found[2]), int(found[3])
    heads = {"exactly": [wanted], "at least": range(wanted, flips + 1), "at most": range(wanted + 1)}[found[1]]
    return abs(sum(math.comb(flips, k) for k in heads) / 2**flips - float(Fraction(gold))) < 1e-9


def all_numbers(question: str, gold: str) -> bool:
    """An expression has the target's value and uses the numbers at most once."""
    first = question.split("\n")[0]
    target, numbers = (
        re.search(r"(\d+) using(?: all of these numbers:)? ([\d, ]+)", first, re.ASCII).groups()
        if " using" in first
        else (*re.search(r"equals (\d+)", first).groups(), first.split("equals")[0])
    )  # type: ignore[union-attr]
    return evaluated(gold) == int(target) and not Counter(integers(gold.replace("-", " "))) - Counter(integers(numbers))


def interpreted(question: str, gold: str) -> bool:
    """Output of a Brainf*ck program."""
    code = max(re.findall(r"[\[\]<>+.,-]{10,}", question), key=len)
    tape, at, position, out, jumps, stack = Counter[int](), 0, 0, "", {}, []
    for index, sign in enumerate(code):
        if sign == "[":
            stack.append(index)
        elif sign == "]":
            jumps[index] = stack.pop()
            jumps[jumps[index]] = index
    for _ in range(10**6):
        if position >= len(code):
            return out == gold
        sign = code[position]
        at += (sign == ">") - (sign == "<")
        tape[at] = (tape[at] + (sign == "+") - (sign == "-")) % 256
        out += chr(tape[at]) if sign == "." else ""
        if (sign == "[" and not tape[at]) or (sign == "]" and tape[at]):
            position = jumps[position]
        position += 1
    return False


def rewriting(question: str, gold: str) -> bool:
    """Final state of an A::B program."""
    tokens = [line for line in question.splitlines() if re.fullmatch(r"[AB# ]+", line.strip())][-1].split()
    index = 0
    while index < len(tokens) - 1:
        left, right = tokens[index : index + 2]
        if left[1] == "#" == right[0]:
            tokens[index : index + 2] = [] if left[0] == right[1] else [right, left]
            index = max(index - 1, 0)
        else:
            index += 1
    return tokens == gold.split()


def isomorphic(question: str, gold: str) -> bool:
    """Two strings have the same pattern."""
    first, second = question.strip().splitlines()[-1].split()
    pairs = set(zip(first, second, strict=True))
    return (len(pairs) == len(set(first)) == len(set(second))) == (gold == "True")


def ransom(question: str, gold: str) -> bool:
    """The magazine has the note's letters."""
    note, magazine = re.search(r"Ransom note: (\w*)\nMagazine: (\w*)", question).groups()  # type: ignore[union-attr]
    return (not Counter(note) - Counter(magazine)) == (gold == "True")


def weekday(question: str, gold: str) -> bool | None:
    """Weekday of a date, leap years, and the number of a weekday between two dates."""
    months = "January February March April May June July August September October November December".split()
    if "leap year" in question and (year := re.search(r"\b(\d{4})\b", question)):
        number = int(year[1])
        return (number % 4 == 0 and (number % 100 != 0 or number % 400 == 0)) == (gold == "Yes")
    dates = [
        date(int(year), months.index(month) + 1, int(day)).toordinal()
        for month, day, year in re.findall(rf"({'|'.join(months)}) (\d+), (\d{{4}})", question)
    ]
    if (wanted := re.search(r"counting both dates\), how many times does (\w+) occur", question)) and len(dates) == 2:
        days = [date.fromordinal(day).strftime("%A") for day in range(dates[0], dates[1] + 1)]
        return days.count(wanted[1]) == int(gold)
    found = re.search(r"What day of the week was (\w+) (\d+), (\d+)\?", question)
    if found is None:
        return None
    return date(int(found[3]), months.index(found[1]) + 1, int(found[2])).strftime("%A") == gold


def equation(question: str, gold: str) -> bool:
    """A linear equation holds for the solution."""
    letter, left, right = re.search(r"(?:for|value of) (\w)[^:]*: (.*) = (.*)$", question).groups()  # type: ignore[union-attr]
    sides = [evaluated(re.sub(rf"\b{letter}\b", f"({gold})", side)) for side in (left, right)]
    return sides[0] == sides[1]


def complex_numbers(question: str, gold: str) -> bool | None:
    """Sums, differences, products and quotients of complex numbers, to two decimals."""
    numbers = [
        complex(found.replace(" ", "").replace("i", "j"))
        for found in re.findall(r"\(([^()]*i?)\)", question)
        if "i" in found
    ]
    sign = re.search(r"\) *([-+×*÷/]) *\(", question)
    if len(numbers) != 2 or sign is None:
        return None
    first, second = numbers
    value = {"+": first + second, "-": first - second, "×": first * second, "*": first * second}.get(sign[1])
    value = first / second if value is None else value
    return abs(value - complex(gold.replace(" ", "").replace("i", "j"))) < 0.02


def bits(question: str, gold: str) -> bool:
    """Number of ones in binary."""
    return integers(question)[-1].bit_count() == int(gold)


def prime_count(question: str, gold: str) -> bool:
    """Number of primes in a range."""
    low, high = integers(question)[:2]
    return sum(number >= low for number in primes(high)) == int(gold)


def lowest_terms(question: str, gold: str) -> bool:
    """Lowest terms of a fraction."""
    found = integers(gold)
    return Fraction(*integers(question)[:2]) == Fraction(*found) and math.gcd(*found) == 1


def divisor(question: str, gold: str) -> bool:
    """Greatest common divisor."""
    return math.gcd(*integers(question)) == int(gold)


def multiple(question: str, gold: str) -> bool:
    """Least common multiple."""
    return math.lcm(*integers(question)) == int(gold)


def letters(question: str, gold: str) -> bool:
    """Number of times that a letter occurs."""
    letter, text = re.search(r'letter "(.)" appear in the text: "(.*)"', question, re.DOTALL).groups()  # type: ignore[union-attr]
    return text.lower().count(letter) == int(gold)


def backward(question: str, gold: str) -> bool:
    """Letters of a word in reverse."""
    return question.split(": ")[-1][::-1] == gold


def reversed_words(question: str, gold: str) -> bool:
    """Words of a list in reverse."""
    return question.strip().split("list of words: ")[1].split(", ")[::-1] == gold.split(", ")
