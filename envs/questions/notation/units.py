r"""Units of answers: `12 cm`, `12\text{ cm}^2`, `6cm`, `75\%`, `60^\circ`, `\$5`, `4.40米`, `5 ft 3 in`.

All functions take text in the notation of `rewrite.plain`. The names of a unit are one row of a table, and words that
are not in the table are units as they stand (`12 apples`).
"""

import re
from functools import lru_cache

_NAMES = """
m: metre metres meter meters 米
cm: centimetre centimetres centimeter centimeters 厘米
mm: millimetre millimetres millimeter millimeters 毫米
dm: decimetre decimetres decimeter decimeters 分米
km: kilometre kilometres kilometer kilometers 千米 公里
inch: in inches
foot: ft feet
yard: yd yds yards
mile: mi miles 英里
g: gram grams gm 克
kg: kilogram kilograms kilo kilos kgs 千克 公斤
mg: milligram milligrams 毫克
ton: tons tonne tonnes 吨
pound: lb lbs pounds
ounce: oz ounces
L: l liter liters litre litres 升
mL: ml milliliter milliliters millilitre millilitres 毫升
gallon: gal gallons
second: s sec secs seconds 秒 秒钟
minute: min mins minutes 分钟 分
hour: h hr hrs hours 小时 时
day: days 天 日
week: weeks wk 周
month: months 个月 月
year: years yr yrs 年
degree: ° deg degs degrees 度
°C: celsius
°F: fahrenheit
K: kelvin kelvins
rad: radian radians 弧度
%: percent
$: dollar dollars USD 美元
cent: cents ¢ 美分
€: euro euros EUR 欧元
£: GBP
¥: yuan CNY RMB 元
角:
N: newton newtons 牛
J: joule joules 焦耳
W: watt watts 瓦
kW: kilowatt kilowatts 千瓦
V: volt volts 伏
A: ampere amperes amp amps 安
Hz: hertz 赫兹
kHz: kilohertz
Pa: pascal pascals 帕
kPa: kilopascal kilopascals
ohm: ohms Ω 欧
mol: mole moles 摩尔
unit: units
cup: cups
pint: pt pints
quart: qt quarts
egg: eggs
cow: cows
car: cars
pen: pens
row: rows
box: boxes
bag: bags
person: persons people 人
child: children
man: men
woman: women
mile/hour: mph
km/hour: kph kmh
"""
_UNITS = {
    name: head.strip()
    for head, names in (line.rsplit(":", 1) for line in _NAMES.strip().splitlines())
    for name in [head.strip(), *names.split()]
}
_LETTERS = frozenset("gshlLKNJWVA")
"""Units of one letter. After a space they are units, directly after a number they are variables."""

CURRENCIES = {"\\$": "$", "US\\$": "$", "US$": "$", "$": "$", "€": "€", "£": "£", "¥": "¥", "USD ": "$", "EUR ": "€",
              **{sign: sign for sign in "₹₩₽₱฿"}}  # fmt: skip
_NOT_UNITS = frozenset(
    "pi sqrt sin cos tan cot sec csc log ln exp or and is the not no yes inf nan infinity am pm"
    " alpha beta gamma delta epsilon theta lambda sigma omega infty frac".split()
)

_WORDS = re.compile(r"(?<![A-Za-z\\])[A-Za-zΩ¢°][A-Za-z.]*(?: ?[/· ] ?[A-Za-z][A-Za-z.]*)*(?: ?\^ ?\{?-?[0-9]\}?)?$")
_TEXTS = re.compile(
    r"(?:\\text\{[^{}]*\}(?: ?\^ ?\{?-?[0-9]\}?)?(?: ?(?:/|\\cdot) ?(?=\\text))?)+$"
    r"|(?:°|\\%|%) ?(?:[CF]|\\text\{[CF]\})?$"
)  # fmt: skip
_HAN = re.compile(r"[\u4e00-\u9fff]+(?: ?/ ?[\u4e00-\u9fff]+)*$")
_VALUE_END = re.compile(r"(?:[0-9)}.!\]|]|\\pi|\bpi|°|thousand|[a-z]illion) ?$")
_SCALES = frozenset(("thousand", "million", "billion", "trillion"))


@lru_cache(maxsize=4096)
def unit_name(text: str) -> str:
    """Return the canonical name of a unit such as `cm^2`, `km/hour` or `apple`."""
    text = re.sub(r"\\text\{([^{}]*)\}", r" \1 ", text).replace("\\cdot", "·").replace("\\", "")
    text = re.sub(r"° +", "°", re.sub(r"[{} ]+", " ", text)).strip()
    text = re.sub(r" ?(\^) ?", r"\1", re.sub(r"(?<=[A-Za-z])\.", "", text))
    text = re.sub(r"(?:square|sq) ([A-Za-z]+)|([A-Za-z]+) squared|平方([\u4e00-\u9fff]+)", _power("^2"), text)
    text = re.sub(r"(?:cubic|cu) ([A-Za-z]+)|([A-Za-z]+) cubed|立方([\u4e00-\u9fff]+)", _power("^3"), text)
    text = re.sub(r" ?(?:/|(?:^| )per |每) ?", "/", text)
    over, *under = (_one(part) for part in text.split("/"))
    for part in over.split("·"):
        if (match := re.fullmatch(r"(.+)\^-1", part)) and "·" in over:  # m·s^{-1} is m/s
            over = "·".join(other for other in over.split("·") if other != part)
            under.append(match[1])
    name = "/".join([over, *under])
    return _UNITS.get(name, name)


def _power(power: str):  # type: ignore[no-untyped-def]
    return lambda match: (match[1] or match[2] or match[3]) + power


def _one(text: str) -> str:
    """Return the canonical name of a unit without a division."""
    words = []
    for word in re.split(r"(?<=[^ ])[ ·]+(?=[^ ])", text.strip()):
        head, caret, power = word.partition("^")
        words.append(_known(head) + caret + power)
    powers = "·" if all(_listed(word.partition("^")[0]) for word in words) else " "
    return powers.join(words)


def _known(word: str) -> str:
    """Return the table's name of a word, or the singular of an unknown one."""
    found = _UNITS.get(word) or _UNITS.get(word.casefold())
    if found:
        return found
    low = word.casefold()
    if len(low) > 3 and low.endswith("s") and not low.endswith("ss"):
        low = low[:-2] if low.endswith(("xes", "ches", "shes", "sses", "zes")) else low[:-1]
    return low if len(word) > 3 else word


def _listed(word: str) -> bool:
    return word in _UNITS or word.casefold() in _UNITS


def _may_be_unit(tail: str) -> bool:
    """Return True for known units and for words of more than three letters. Other letters belong to the formula."""
    words = [word for word in re.split(r"[ /·.]|\^ ?\{?-?[0-9]\}?", tail) if word]
    if any(word in _NOT_UNITS or word in _SCALES for word in words):
        return False
    helpers = ("square", "cubic", "sq", "cu", "per")
    return all(
        (_listed(word) if len(word) > 1 else word in _UNITS) or word in helpers or len(word) > 3 for word in words
    )


def quantity(text: str) -> tuple[str, str]:
    r"""Split a text in plain notation into a value and the canonical name of its unit, or "" without one."""
    for sign, name in CURRENCIES.items():
        for minus in ("", "-"):
            if text.startswith(minus + sign) and re.match(r" ?-?\.?[0-9\\]", text[len(minus + sign) :]):
                value, more = quantity(text[len(minus + sign) :].strip())
                return minus + value, more if more == name else name + more
    if text.endswith("$") and re.search(r"[0-9] ?\\?\$$", text):
        return text.rstrip("\\$").strip(), "$"
    for pattern in (_TEXTS, _HAN):
        match = pattern.search(text)
        if match and match.start() and not _joins(match[0]):
            scale = re.match("百万|千万|万(?!分)|亿", match[0])  # 3.5万元 is 35,000 yuan
            start = match.start() + (scale.end() if scale else 0)
            if start == len(text):
                return text, ""
            value, tail = text[:start].rstrip(), text[start:]
            value = value.removesuffix("\\cdot").rstrip()
            degrees = match[0].startswith("°") and re.search(r"\\?(?:sin|cos|tan|cot|sec|csc)(?![a-z])", value)
            return (text, "") if degrees else (value, unit_name(tail))
    if (inside := re.search(r"(?<=[0-9}]) ?\(([A-Za-z/]{2,}(?:\^[23])?)\)$", text)) and _may_be_unit(inside[1]):
        return text[: inside.start()], unit_name(inside[1])  # 12 (cm)
    match = _WORDS.search(text)
    if match is None:
        return text, ""
    starts = [match.start() + found.start() for found in re.finditer(r"(?<![A-Za-z])[A-Za-zΩ¢°]", match[0])]
    for start in starts:
        value, tail = text[:start], text[start:]
        if value.rstrip().endswith("/") and re.search(r"[0-9] ?/ ?$", value) and (len(tail) > 3 or tail in _UNITS):
            value, tail = value.rstrip(" /") + " ", "per " + tail  # 5/hour
        if _VALUE_END.search(value) and _may_be_unit(tail) and not _is_product(value, tail):
            return value.strip(), unit_name(tail)
    return text, ""


def _joins(text: str) -> bool:
    return re.fullmatch(r"\\text\{(?:and|or)\}|或|和|且|与", text.strip()) is not None


def _is_product(value: str, tail: str) -> bool:
    """Return True if the letters after a value are variables: `2m + 3m`, `5s`, `3g`."""
    letter = re.sub(r" ?\^ ?\{?-?[0-9]\}?$", "", tail)
    if value.endswith(" ") and letter != "m":
        return re.fullmatch("[A-Za-z]", letter) is not None and letter not in _LETTERS
    inside = re.sub(r"\\[A-Za-z]+|\bpi\b|\bsqrt\b|thousand|[a-z]illion", "", value)
    sums = len(letter) == 1 and re.search(r"[0-9)}] ?[+-]", value)
    return bool(re.search("[A-Za-z=<>]", inside) or sums or (re.fullmatch("[A-Za-ln-z]", letter)))


_PAIR = re.compile(
    r"(-?[0-9]+(?:\.[0-9]+)?) ?(°|'{1,2}|\"|\\text\{[^{}]*\}|[A-Za-z]+|[\u4e00-\u9fff]+?)(?=$|[ ,0-9])"
    r"(?: ?,? ?(?:and |\\text\{and\} ?)?)"
)
_MARKS = {"'": "arcminute", "''": "arcsecond", '"': "arcsecond"}


def compound(text: str) -> tuple[tuple[str, str], ...] | None:
    """Return the (number, unit) pairs of a text such as `5 ft 3 in` or `30°15'`, or None if there are not several."""
    text = text.replace("^{''}", "''").replace("^{'}", "'").replace("^'", "'").strip()
    pairs, position = [], 0
    while position < len(text):
        match = _PAIR.match(text, position)
        if match is None:
            return None
        unit = _MARKS.get(match[2]) or unit_name(match[2])
        if not (_listed(unit) or unit in _MARKS.values()):
            return None
        pairs.append((match[1].lstrip("0") or "0", unit))
        position = match.end()
    units = [unit for _, unit in pairs]
    return tuple(pairs) if len(pairs) > 1 and len(set(units)) == len(units) else None
