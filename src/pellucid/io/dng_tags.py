"""Which directory a DNG's tags belong in, and which of them a changed file must not keep (1.7)."""

STRUCTURE = frozenset(
    [*range(254, 260), 262, 266, 273, 277, 278, 279, 284, *range(288, 293), 317, *range(320, 331)]
    + [338, 339, 340, 341, 347, *range(512, 522), *range(529, 533)]
)
"""How pixels are stored: true of one picture, wrong for any other."""

OF_RAW = frozenset(
    [33421, 33422, *range(50710, 50721), 50733, 50737, 50738, 50780, 50829, 50830, 50935]
    + [50974, 50975, 51008, 51009, 51022, 51041, 51125, 52525, 52536]
    + [52547, 52553, 52554, 52555]
)
"""What stands beside the raw pixels: CFA, levels, areas, opcodes, noise."""

OF_CODING = frozenset([50974, 50975, 52547, 52553, 52554, 52555])
"""How the integers were coded: interleaving, JPEG-XL's settings."""

OF_INTEGERS = OF_CODING | {50712}
"""What turned the stored integers into linear ones, besides."""

OF_PREVIEW = frozenset([*range(50966, 50972), 51112])
"""Who made a preview, when and how."""

OF_ORIGINAL = frozenset([50828, 50973, 50972, 51111, 51113, 51114, 51182])
"""Digests, caches and the embedded original: untrue or needless once the raw pixels change."""

POINTERS = frozenset([330, 34665, 34853, 40965, 50933])
"""Directories below; their places change with every file."""

EVERYWHERE = frozenset(
    [270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, 700, 18246, 18249, 33723, 34377]
    + [*range(40091, 40096)]
)
"""What raws of any maker say as TIFF does: names, dates, rights, words."""

KEPT_PICTURES = frozenset([4, 8, 65540])
"""NewSubfileType of transparency, depth and semantic masks, which are neither raw nor preview."""
