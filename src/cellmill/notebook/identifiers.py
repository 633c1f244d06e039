"""Names that people write, in any language, turned into Python identifiers."""

from __future__ import annotations

import keyword
import re
import unicodedata

_LONGEST = 40
_LINKS = frozenset(
    """a an and as at by de der des die du et for from in into la
    le of on or per the to und using via von vs with""".split()
)


def to_identifier(text: str, *, by_end: bool = False) -> str:
    """Make a lower-case Python identifier of a text; an empty text where nothing can be made of it.

    Latin letters lose their accents, so that file names stay plain; other scripts stay as they are. Of a long text the
    first words are taken, or the last ones ``by_end``.

    Examples
    --------
    >>> to_identifier("2. Données d'entrée")
    'donnees_d_entree'
    >>> to_identifier("数据 清洗")
    '数据_清洗'
    >>> to_identifier("Holt's method")
    'holts_method'
    >>> to_identifier("class"), to_identifier("!!")
    ('class_', '')
    """
    # The English genitive; what stands after other apostrophes is a word.
    text = re.sub(r"(?<=\w)['’]s\b", "s", text)
    # Latin letters that do not decompose into a base letter and a mark.
    text = text.replace("ß", "ss").replace("ø", "o").replace("Ø", "O").replace("ł", "l").replace("Ł", "L")
    plain = "".join(_plain(letter) for letter in unicodedata.normalize("NFC", text))
    folded = unicodedata.normalize("NFKC", plain).lower()
    words = re.findall(r"\w+", folded)
    name = "_".join("".join(c for c in word if ("_" + c).isidentifier()) for word in words)
    name = re.sub(r"__+", "_", name).strip("_")
    name = re.sub(r"^[\d_]+", "", name) if re.search(r"^[\d_]*[^\W\d_]", name) else ""
    name = _shortened_by_end(name) if by_end else _shortened(name)
    return name + "_" if keyword.iskeyword(name) else name


def _plain(letter: str) -> str:
    decomposed = unicodedata.normalize("NFD", letter)
    return decomposed[0] if decomposed[0].isascii() else letter


def _shortened(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    cut = name[: _LONGEST + 1].rpartition("_")[0]
    # A name that breaks off should not end in a word that waits for the next.
    while cut.rpartition("_")[2] in _LINKS:
        cut = cut.rpartition("_")[0]
    return cut or name[:_LONGEST]


def _shortened_by_end(name: str) -> str:
    if len(name) <= _LONGEST:
        return name
    cut = name[-_LONGEST - 1 :].partition("_")[2]
    while cut.partition("_")[0] in _LINKS:
        cut = cut.partition("_")[2]
    # Only letters begin a name.
    return re.sub(r"^[\d_]+", "", cut) or name[:_LONGEST]
