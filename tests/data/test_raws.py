import pytest
import torch
from torch.utils.data import default_collate

from pellucid import FileError, read_raw
from pellucid.bayer import pack
from pellucid.data import DeadLeaves, RawFolder, RawSynthesis, SyntheticRaw, WeightedSource
from pellucid.data.raws import clean_mosaic, turned_mosaic
from pellucid.data.synthesis import generator_of


def test_a_raw_patch_is_the_files_own_mosaic_and_camera(raws):
    source, generator = RawFolder(raws), generator_of(1)
    assert source.names == ["x.dng", "y.dng", "z.dng"]
    raw = read_raw(raws / "x.dng")
    pixels, shot = clean_mosaic(raws / "x.dng")
    torch.testing.assert_close(
        torch.from_numpy(pixels / 65535).float(), raw.mosaic, atol=1e-5, rtol=0
    )
    assert all(torch.equal(a, b) for a, b in zip(shot.camera, raw.camera, strict=True))
    patch = source.patch(32, generator)
    assert patch.mosaic.shape == (1, 32, 32) and 0 <= patch.mosaic.min() <= patch.mosaic.max() <= 1
    assert patch.rendering.exposure == 1 and 0 <= patch.rendering.tone <= 1


def test_a_turned_mosaic_stays_rggb():
    red, green, blue = 1.0, 2.0, 3.0
    tile = torch.tensor([[red, green], [green, blue]])
    mosaic = tile.repeat(4, 4)[None] + torch.arange(64.0).reshape(1, 8, 8) / 100
    seen = set()
    for n in range(100):
        turned = turned_mosaic(mosaic, generator_of(n))[:, :6, :6]
        assert turned.shape == (1, 6, 6)
        planes = pack(turned).floor().flatten(1)
        assert (planes == torch.tensor([red, green, green, blue])[:, None]).all()
        seen.add(tuple(turned.flatten().tolist()))
    assert len(seen) == 8


def test_patches_smaller_than_the_raws_are_refused(raws):
    with pytest.raises(FileError, match=r"\.dng has 64x96 pixels; expected 66 or more"):
        RawFolder(raws).patch(64, generator_of(0))
    with pytest.raises(FileError, match=r"^x.dng has 64x96 pixels; expected 66 or more"):
        SyntheticRaw([RawFolder(raws)], [1.0], RawSynthesis(), 64, seed=0)
    with pytest.raises(FileError, match="no raws; expected files such as .dng"):
        RawFolder(raws, ("x.dng", "y.dng", "z.dng"))
    with pytest.raises(FileError, match="leave_out has X.dng, .*; the nearest name is x.dng"):
        RawFolder(raws, ("X.dng",))
    with pytest.raises(FileError, match="no such folder"):
        RawFolder(raws / "missing")


def test_raws_and_pictures_mix_and_collate(raws):
    sources = [WeightedSource(RawFolder(raws), 0.7), WeightedSource(DeadLeaves(), 0.3)]
    mixture, weights = [s.source for s in sources], [s.weight for s in sources]
    samples = SyntheticRaw(mixture, weights, RawSynthesis(), 32, seed=0)
    batch = default_collate([samples[n] for n in range(60)])
    camera = RawFolder(raws).shots[0].camera
    own = (batch.camera.white_balance == camera.white_balance).all(1).float().mean()
    # Three standard errors of a share of 0.7 among 60.
    assert abs(own - 0.7) < 3 * (0.7 * 0.3 / 60) ** 0.5
    assert batch.noisy.shape == batch.clean.shape == (60, 1, 32, 32)
    assert batch.rendering.exposure.dtype == batch.rendering.tone.dtype == torch.float32


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf")])
def test_a_weight_that_makes_no_sense_is_refused(weight):
    with pytest.raises(ValueError, match="expected 0 or more"):
        WeightedSource(DeadLeaves(), weight)
