"""Configurations that cannot be are told where they are said, not deep inside."""

import pytest

from pellucid import DualDomainConfig, UNetConfig
from pellucid.data import DeadLeaves, RawSynthesis, SyntheticRaw, WeightedSource
from pellucid.data.camera_noise import CameraNoise
from pellucid.data.degradations import GaussianNoise
from pellucid.data.mixtures import Mixed, Mixture
from pellucid.data.picture_sets import ListedSet, Scenes
from pellucid.data.rain import Rain
from pellucid.errors import ConfigError
from pellucid.networks.dncnn import DnCNNConfig
from pellucid.networks.mirnet_v2 import MIRNetV2Config
from pellucid.networks.nafnet import NAFNetConfig
from pellucid.networks.noiseda_unet import NoiseDAUNetConfig
from pellucid.networks.restormer import RestormerConfig
from pellucid.networks.swinir import SwinIRConfig
from pellucid.networks.uformer import UformerConfig
from pellucid.noise_laws import BoxLaw, CameraLaw, EldLaw, LogLinearLaw, MixedLaw


@pytest.mark.parametrize(
    ("config", "said", "message"),
    [
        (UNetConfig, {"widths": ()}, "widths is empty; expected 1 or more"),
        (UNetConfig, {"widths": (4, -8)}, "widths is 4, -8; expected 1 or more"),
        (UNetConfig, {"shuffle": 0}, "shuffle is 0; expected 1 or more"),
        (NoiseDAUNetConfig, {"depth": 0}, "depth is 0; expected 1 or more"),
        (RestormerConfig, {"width": 7}, "width is 7 with heads 1, 2, 4, 8; expected an even one"),
        (RestormerConfig, {"norm": "none"}, "norm is none; expected one of bias_free, with_bias"),
        (SwinIRConfig, {"heads": 0}, "heads is 0; expected 1 or more"),
        (UformerConfig, {"window": 0}, "window is 0; expected 1 or more"),
        (NAFNetConfig, {"width": 0}, "width is 0; expected 1 or more"),
        (MIRNetV2Config, {"groups": (1, 0)}, "groups is 1, 0; expected 1 or more"),
        (DnCNNConfig, {"layers": 1}, "layers is 1; expected 2 or more"),
        (DualDomainConfig, {"noise_map": "foo"}, "noise_map is foo; expected one of none, publ"),
        (RawSynthesis, {"jitter": 0.0}, "jitter is 0; expected above 0"),
        (RawSynthesis, {"darkest": 0.0}, "darkest is 0; expected above 0"),
        (CameraNoise, {"darkest": -1.0}, "darkest is -1; expected above 0"),
        (BoxLaw, {"shot": (0.0, 1.0)}, "shot is 0 to 1; expected numbers above 0"),
        (BoxLaw, {"read": (1e-3, 1e-5)}, "read is 0.001 to 1e-05; expected .*the lower one first"),
        (LogLinearLaw, {"shot": (0.0, 1.0)}, "shot is 0 to 1; expected numbers above 0"),
        (MixedLaw, {"laws": ()}, "laws is empty; expected one or more"),
        (CameraLaw, {"cameras": ()}, "cameras is empty; expected one or more"),
        (EldLaw, {"cameras": ()}, "cameras is empty; expected one or more"),
        (Rain, {"blend": "mix"}, "blend is mix; expected one of light, add"),
        (Scenes, {"part": "kpet"}, "part is kpet; expected one of kept, held_out"),
        (
            ListedSet,
            {"list_file": "a", "folder": "b", "first": "targets"},
            "first is targets; expected one of input, target",
        ),
    ],
)
def test_what_cannot_be_is_told_by_its_name(config, said, message):
    with pytest.raises(ConfigError, match=f"^{message}"):
        config(**said)


def test_nothing_is_drawn_where_all_weights_are_0():
    source = WeightedSource(DeadLeaves(), 0)
    with pytest.raises(ConfigError, match="^sources have weights 0; expected 0 or more, one above"):
        Mixture([source])
    with pytest.raises(ConfigError, match="^sources have weights 0; expected 0 or more, one above"):
        SyntheticRaw([DeadLeaves()], [0], RawSynthesis(), 16, seed=0)
    with pytest.raises(ConfigError, match="^degradations have weights 1, -1; expected 0 or more"):
        Mixed((GaussianNoise(), GaussianNoise()), (1, -1))
