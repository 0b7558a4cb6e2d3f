import pytest
from jsonargparse import Namespace

from pellucid.batch.job import reference_of
from pellucid.cli.look import strength_of, white_balance_of
from pellucid.cli.options.look import add_control, add_reference, add_white_balance
from pellucid.cli.options.shared import new_parser
from pellucid.control import Strength
from pellucid.errors import PellucidError


def said(*arguments: str) -> Namespace:
    parser = new_parser("test")
    add_reference(parser)
    add_white_balance(parser)
    add_control(parser)
    return parser.parse_args(list(arguments))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), Strength(1, 1)),
        (("--strength", "0.5"), Strength(0.5, 0.5)),
        (("--strength", "0.5", "--chroma", "1"), Strength(0.5, 1)),
        (("--luma", "0"), Strength(0, 1)),
    ],
)
def test_strength(arguments, expected):
    assert strength_of(said(*arguments)) == expected


def test_white_balance():
    assert white_balance_of(said().white_balance) == "camera"
    assert white_balance_of("auto") == "auto"
    assert white_balance_of("2,1,1.5") == (2, 1, 1.5)


@pytest.mark.parametrize("text", ["sunny", "1,2", "0,1,1", "nan,1,1", "1,2,3,4"])
def test_odd_white_balance_is_refused(text):
    with pytest.raises(PellucidError, match="expected camera, daylight, auto"):
        white_balance_of(text)


def test_no_reference(tmp_path):
    assert reference_of(said().reference, tmp_path / "a.dng") is None
    with pytest.raises(PellucidError):
        reference_of("embedded", tmp_path / "a.dng")
