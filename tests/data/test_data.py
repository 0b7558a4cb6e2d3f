import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import default_collate

from pellucid import FileError
from pellucid.color import encode
from pellucid.data import DeadLeaves, PhotoFolder, RawSynthesis, SyntheticRaw
from pellucid.data.photos import photographs, reduced, shrink
from pellucid.data.synthesis import generator_of, turned


@pytest.fixture
def folder(tmp_path):
    stream = np.random.RandomState(0)
    for name in ("a.png", "b.jpg", "left-out.png"):
        Image.fromarray(stream.randint(0, 256, (150, 190, 3), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_folder_gives_its_photographs_but_those_left_out(folder):
    photos = PhotoFolder(folder, ("left-out.png",))
    assert photos.names == ["a.png", "b.jpg"]
    patch = photos.patch(32, torch.Generator().manual_seed(0))
    assert patch.shape == (3, 32, 32) and 0 <= patch.min() and patch.max() <= 1


def test_a_folder_without_photographs_is_refused(tmp_path):
    with pytest.raises(FileError, match="no photographs; expected files ending in"):
        photographs(tmp_path)
    with pytest.raises(FileError, match="no such folder"):
        photographs(tmp_path / "missing")


def test_a_patch_larger_than_the_photographs_is_refused(folder):
    with pytest.raises(FileError, match="photograph has 75x95 pixels; expected 128 or more"):
        PhotoFolder(folder).patch(128, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
def test_grey_of_16_bits_keeps_its_values(tmp_path, name):
    pixels = np.full((6, 8), 30000, np.uint16)
    Image.fromarray(pixels).save(tmp_path / name)
    np.testing.assert_array_equal(reduced(tmp_path / name, 1), np.stack([pixels] * 3))


def test_shrink_averages_light_not_display_values():
    checks = torch.tensor([[0.0, 1.0], [1.0, 0.0]]).repeat(3, 1, 1)
    torch.testing.assert_close(shrink(checks, 2), encode(torch.full((3, 1, 1), 0.5), "rec709"))


def test_dead_leaves_have_edges_and_shades():
    picture = DeadLeaves().patch(96, torch.Generator().manual_seed(3))
    assert picture.shape == (3, 96, 96) and 0 <= picture.min() and picture.max() <= 1
    steps = picture.diff(dim=-1).abs()
    assert (steps > 0.1).float().mean() > 0.01 and (steps < 0.02).float().mean() > 0.3


def test_a_sample_is_a_function_of_seed_and_number():
    samples = SyntheticRaw([DeadLeaves()], [1.0], RawSynthesis(), 32, seed=5)
    again = SyntheticRaw([DeadLeaves()], [1.0], RawSynthesis(), 32, seed=5)
    for n in (7, 3):
        assert all(
            torch.equal(a, b) for a, b in zip(_flat(samples[n]), _flat(again[n]), strict=True)
        )
    assert not torch.equal(samples[3].noisy, samples[4].noisy)
    other = SyntheticRaw([DeadLeaves()], [1.0], RawSynthesis(), 32, seed=6)
    assert not torch.equal(samples[3].noisy, other[3].noisy)


def test_numbers_beyond_32_bits_still_make_new_samples():
    draws = [torch.rand(4, generator=generator_of(0, n)) for n in (1, 1 + 2**32, 1 + 2**33)]
    assert not torch.equal(draws[0], draws[1]) and not torch.equal(draws[1], draws[2])


def test_samples_collate_and_hold_what_they_say():
    samples = SyntheticRaw([DeadLeaves()], [1.0], RawSynthesis(), 32, seed=0)
    batch = default_collate([samples[n] for n in range(64)])
    assert batch.noisy.shape == batch.clean.shape == (64, 1, 32, 32)
    assert batch.clean.min() >= 0 and batch.clean.max() <= 1 and batch.noisy.max() <= 1
    assert batch.noisy.min() < 0, "noise must not be clipped at black"
    assert {tensor.dtype for tensor in _flat(batch)} == {torch.float32}
    assert (batch.rendering.tone >= 0).all() and (batch.rendering.tone <= 1).all()
    assert batch.noise.shot.min() < 2e-4 < 2e-3 < batch.noise.shot.max()


def test_the_network_is_told_noise_wrong_by_at_most_the_jitter():
    class Fixed:
        def sample(self, generator):
            from pellucid import Noise

            return Noise(1e-3, 1e-6)

    synthesis = RawSynthesis(law=Fixed(), jitter=2.0)
    picture = torch.full((3, 8, 8), 0.5)
    told = [synthesis(picture, generator_of(n)).noise for n in range(300)]
    for values, true in (([t.shot for t in told], 1e-3), ([t.read for t in told], 1e-6)):
        ratio = torch.stack(values) / true
        assert 0.5 <= ratio.min() < 0.7 and 1.4 < ratio.max() <= 2.0


def test_the_eight_turns_are_eight():
    picture = torch.arange(12.0).reshape(1, 3, 4).repeat(3, 1, 1)[:, :, :3]
    seen = {tuple(turned(picture, generator_of(n)).flatten().tolist()) for n in range(100)}
    assert len(seen) == 8


def _flat(record):
    return [t for v in record for t in (_flat(v) if isinstance(v, tuple) else [v])]
