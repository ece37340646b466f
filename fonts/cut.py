"""Cut the bundled subsets out of the full Noto Sans: `python -m fonts.cut FOLDER` (for maintainers).

FOLDER holds NotoSans-Regular.ttf and NotoSans-Bold.ttf, version 2.004, as in Debian's fonts-noto-core
20201225-1. The result is committed, so that nobody else needs the originals; the same originals and the
pinned fontTools give the same files.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

_FACES = {"NotoSans-Regular.ttf": "noto-sans-regular.ttf", "NotoSans-Bold.ttf": "noto-sans-bold.ttf"}

# What office documents and the names of people in Latin script need; Greek, Cyrillic and further scripts are
# left out: they would add a third to the size of every document, and the registers write names in Latin.
_RANGES = (
    (0x20, 0x7E),
    (0xA0, 0xAC),  # Latin-1 without the soft hyphen (AD), which has no fixed look
    (0xAE, 0xFF),
    (0x100, 0x17F),  # Latin Extended-A
    (0x1CD, 0x1DC),  # pinyin
    (0x1E4, 0x1EF),  # Skolt Sámi
    (0x1F8, 0x1FF),
    (0x200, 0x21B),  # Romanian Ș Ț among them
    (0x1E80, 0x1E85),  # Welsh
    (0x1EA0, 0x1EF9),  # Vietnamese
    (0x2010, 0x2015),
    (0x2018, 0x201E),
)
_SINGLES = (
    "ƁɓƊɗƎǝƏəƐɛƆɔƘƙƠơƯưƳƴƷʒȘșȚțȞȟȦȧȨȩȪȫȮȯȲȳ"  # Hausa, Akan, Azerbaijani, Vietnamese, Livonian …
    "ḂḃḊḋḌḍḐḑḞḟḠḡḢḣḤḥḨḩḪḫḰḱḲḳḶḷṀṁṂṃṄṅṆṇṖṗṘṙṚṛṠṡṢṣṪṫṬṭṲṳṼṽẌẍẎẏẐẑẒẓẞ"
    "†‡•…‰′″‹›⁄€№™ʹʺʻʼʽʾʿˆˇ˘˙˚˛˜˝\N{NARROW NO-BREAK SPACE}\N{NON-BREAKING HYPHEN}"
)
_DROPPED = ["GSUB", "GPOS", "GDEF", "DSIG", "kern", "gasp", "STAT", "meta", "fpgm", "prep", "cvt "]


def cut(source: Path, target: Path) -> int:
    """Write the subset of `source` to `target`; returns the number of characters in it."""
    options = subset.Options(
        hinting=False, layout_features=[], glyph_names=False, notdef_outline=True, drop_tables=_DROPPED
    )
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14]  # copyright and licence stay in the file
    with TTFont(source, recalcTimestamp=False) as font:
        wanted = {code for first, last in _RANGES for code in range(first, last + 1)} | set(
            map(ord, _SINGLES)
        )
        printable = wanted & set(font.getBestCmap())
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=printable)
        cutter.subset(font)
        font.save(target)
    return len(printable)


def main() -> None:
    """Cut both faces into this folder."""
    for original, name in _FACES.items():
        count = cut(Path(sys.argv[1]) / original, Path(__file__).parent / name)
        sys.stdout.write(f"{name}: {count} characters\n")


if __name__ == "__main__":
    main()
