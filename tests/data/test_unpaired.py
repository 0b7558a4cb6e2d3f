import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, default_collate

from pellucid import FileError
from pellucid.data import DeadLeaves, PhotoFolder
from pellucid.data.degradations import Degradation, GaussianNoise
from pellucid.data.pairs import folder_pairs
from pellucid.data.picture_sets import WithoutTruth
from pellucid.data.pictures import Pictures
from pellucid.data.unpaired import (
    Draw,
    FilePairs,
    PairedDataset,
    SyntheticPairs,
    Unpaired,
    UnpairedDataset,
)
from pellucid.training.data import FromStep

LEAVES = SyntheticPairs(DeadLeaves(leaves=5), GaussianNoise())


def flat(folder, count, first=0):
    """Pictures of one level each, by which a patch tells where it is from."""
    folder.mkdir()
    for number in range(count):
        side = 20 + number
        Image.fromarray(np.full((side, 30, 3), first + number, np.uint8)).save(
            folder / f"{number:02}.png"
        )
    return Pictures.of_folder(folder)


@pytest.fixture
def streams(tmp_path):
    return flat(tmp_path / "real", 5), flat(tmp_path / "clean", 7, first=100)


def level(patch):
    return round(255 * patch.mean().item())


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_samples_are_a_function_of_seed_and_number(streams):
    data, again = (UnpairedDataset(LEAVES, *streams, size=16, seed=3) for _ in range(2))
    straight = [data[n] for n in range(6)]
    assert all(equal(straight[n], again[n]) for n in (5, 1, 4))
    other = UnpairedDataset(LEAVES, *streams, size=16, seed=4)
    assert not torch.equal(straight[0].synthetic, other[0].synthetic)
    assert not torch.equal(straight[0].clean, straight[1].clean)
    assert all(patch.shape == (3, 16, 16) for patch in straight[0])


def test_an_interrupted_run_sees_the_rest(streams):
    data = UnpairedDataset(LEAVES, *streams, size=8)

    def batches(done):
        loader = DataLoader(data, 2, sampler=FromStep(lambda: done, 2, 0, 1))
        return [batch for batch, _ in zip(loader, range(5 - done), strict=False)]

    whole, rest = batches(0), batches(3)
    assert len(rest) == 2 and all(equal(*each) for each in zip(whole[3:], rest, strict=True))
    assert isinstance(rest[0], Unpaired) and rest[0].real.shape == (2, 3, 8, 8)


def test_each_stream_shows_all_its_pictures_once_an_epoch_in_new_orders(streams):
    data = UnpairedDataset(LEAVES, *streams, size=8)
    samples = [data[n] for n in range(35)]
    for picture, count, first in ((2, 5, 0), (3, 7, 100)):
        levels = [level(sample[picture]) for sample in samples]
        epochs = [tuple(levels[i : i + count]) for i in range(0, 35, count)]
        assert all(sorted(each) == list(range(first, first + count)) for each in epochs)
        assert len(set(epochs)) > len(epochs) // 2


def test_streams_of_equal_length_have_orders_of_their_own():
    orders = {
        tuple(Draw(0, stream, n).which(12) for n in range(12))
        for stream in ("pairs", "real", "clean")
    }
    assert len(orders) == 3


def test_streams_know_nothing_of_each_other(streams, tmp_path):
    real, clean = streams
    data = UnpairedDataset(LEAVES, real, clean, size=16)
    more = flat(tmp_path / "more", 9, first=50)
    for n in (0, 8):
        for one, kept in (
            (UnpairedDataset(LEAVES, more, clean, size=16), (0, 1, 3)),
            (UnpairedDataset(LEAVES, real, more, size=16), (0, 1, 2)),
            (
                UnpairedDataset(
                    SyntheticPairs(DeadLeaves(leaves=3), GaussianNoise()), real, clean, 16
                ),
                (2, 3),
            ),
        ):
            same = [torch.equal(a, b) for a, b in zip(data[n], one[n], strict=True)]
            assert same == [place in kept for place in range(4)]


def test_without_unpaired_pictures_the_pairs_clean_one_stands_in(streams):
    sample = UnpairedDataset(LEAVES, streams[0], size=16)[0]
    assert sample.unpaired is sample.clean
    assert default_collate([sample, sample]).unpaired.shape == (2, 3, 16, 16)


def test_all_eight_turns_occur_and_are_the_streams_own(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    pictures = Pictures.of_folder(tmp_path)
    data = UnpairedDataset(LEAVES, pictures, pictures, size=8)
    samples = [data[n] for n in range(60)]
    for stream in (2, 3):
        assert len({tuple(sample[stream].flatten().tolist()) for sample in samples}) == 8
    assert not all(torch.equal(sample.real, sample.unpaired) for sample in samples)


class Brighter(Degradation):
    """Adds how far a pixel is from the picture's border."""

    margin = 3

    def __call__(self, clean, generator):
        depth = torch.minimum(torch.arange(22), torch.arange(22).flip(0))
        return clean + torch.minimum(depth[:, None], depth)


def test_what_surrounds_a_patch_is_degraded_with_it(photos):
    pair = SyntheticPairs(PhotoFolder(photos), Brighter()).patches(16, Draw(0, "pairs", 0))
    assert pair.input.shape == pair.target.shape == (3, 16, 16)
    assert (pair.input - pair.target).min().item() == pytest.approx(3, abs=1e-5)


def test_pairs_of_files_stay_pairs(tmp_path):
    stream = np.random.RandomState(0)
    for name in ("in", "out"):
        (tmp_path / name).mkdir()
    for number, size in enumerate([(40, 30), (9, 50), (5, 5)]):
        clean = stream.randint(0, 200, (*size, 3), dtype=np.uint8)
        Image.fromarray(clean).save(tmp_path / "out" / f"{number}.png")
        Image.fromarray(clean + np.uint8(20)).save(tmp_path / "in" / f"{number}.png")
    pairs = FilePairs(folder_pairs(tmp_path / "in", tmp_path / "out"))
    for n in range(9):
        pair = pairs.patches(16, Draw(0, "pairs", n))
        assert pair.input.shape == (3, 16, 16)
        torch.testing.assert_close(
            pair.input - pair.target, torch.full((3, 16, 16), 20 / 255), atol=1e-4, rtol=0
        )
    assert len({Draw(0, "pairs", n).which(len(pairs)) for n in range(3)}) == 3


def test_pairs_of_two_sizes_are_refused(tmp_path):
    for name, size in (("in", (9, 9)), ("out", (9, 8))):
        (tmp_path / name).mkdir()
        Image.new("RGB", size).save(tmp_path / name / "1.png")
    pairs = FilePairs(folder_pairs(tmp_path / "in", tmp_path / "out"))
    with pytest.raises(FileError, match=r"1.png: is 9x9; expected 8x9 as 1.png"):
        pairs.patches(4, Draw(0, "pairs", 0))
    with pytest.raises(FileError, match=r"1.png: has sides 9x9; expected 8x9 as 1.png"):
        PairedDataset(pairs, 4)


def test_a_photograph_too_small_for_what_shows_in_a_patch_is_named_before_one_is_drawn(photos):
    class Wide(GaussianNoise):
        margin = 3

    pairs = SyntheticPairs(PhotoFolder(photos, ("a.png", "c.png")), Wide())
    assert PairedDataset(pairs, 59) and UnpairedDataset(pairs, WithoutTruth(pairs), size=59)
    for stream, real in ((pairs, WithoutTruth(LEAVES)), (LEAVES, WithoutTruth(pairs))):
        with pytest.raises(FileError, match=r"^b.jpg has 65x100 pixels; expected 66 or more"):
            UnpairedDataset(stream, real, size=60)
    with pytest.raises(FileError, match=r"^b.jpg has 65x100 pixels; expected 66 or more"):
        PairedDataset(pairs, 60)
