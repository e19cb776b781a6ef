"""The published model in plain PyTorch, with random weights, and the files that its authors would write.

Front end: nnAudio's, a convolution with windowed sines and cosines and librosa's filters for 22,050 Hz.
Network: torchvision's. Source: https://github.com/SonyCSLParis/ssl-singer-identity at 24751d1,
singer_identity/model.py and network_components.py.
"""

import math
from functools import cache

import librosa
import torch
import torchvision
import yaml
from torch import nn

RATE_HZ = 44_100
N_FFT, HOP_LENGTH = 2048, 512

HYPERPARAMS = {
    "encoder": {"backbone": "efficientnet_b0", "embedding_dim": 1000, "pretrained": True},
    "feature_extractor": {"hop_length": 512, "n_fft": 2048, "spec_layer": "melspectogram"},
}


class ConvolutionStft(nn.Module):
    def __init__(self):
        super().__init__()
        window = torch.hann_window(N_FFT, dtype=torch.float64)
        bins, samples = torch.arange(N_FFT // 2 + 1.0)[:, None].double(), torch.arange(N_FFT).double()
        phases = 2 * math.pi * bins * samples / N_FFT
        self.register_buffer("wsin", (phases.sin() * window).float()[:, None])
        self.register_buffer("wcos", (phases.cos() * window).float()[:, None])
        self.register_buffer("window_mask", window.float().view(1, -1, 1))

    def forward(self, waveforms):  # (batch, 1, samples) -> (batch, bins, frames), powers
        padded = nn.functional.pad(waveforms, (N_FFT // 2, N_FFT // 2), mode="reflect")
        real = nn.functional.conv1d(padded, self.wcos, stride=HOP_LENGTH)
        imaginary = nn.functional.conv1d(padded, self.wsin, stride=HOP_LENGTH)
        return real**2 + imaginary**2


class MelSpectrogram(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer(
            "mel_basis", torch.from_numpy(librosa.filters.mel(sr=22_050, n_fft=N_FFT, n_mels=128))
        )
        self.stft = ConvolutionStft()

    def forward(self, waveforms):  # (batch, samples) or its two other shapes -> (batch, mels, frames)
        shape = (1, 1, -1) if waveforms.dim() == 1 else (len(waveforms), 1, -1)
        return self.mel_basis @ self.stft(waveforms.reshape(shape))


class FeatureExtractor(nn.Module):
    def __init__(self):
        super().__init__()
        self.spec_layer = MelSpectrogram()

    def forward(self, waveforms):
        return self.spec_layer(waveforms)


class LogScale(nn.Module):
    def forward(self, powers):
        return torch.log(powers + 1e-8)


class GreyToRgb(nn.Module):
    def forward(self, spectrograms):  # (batch, mels, frames) -> (batch, 3, mels, frames)
        grey = (spectrograms / spectrograms.max())[:, None]  # the maximum of the whole batch
        mean = torch.tensor([0.485, 0.456, 0.406], dtype=grey.dtype).view(3, 1, 1)
        std = torch.tensor([0.229, 0.224, 0.225], dtype=grey.dtype).view(3, 1, 1)
        return (torch.cat([grey, grey, grey], dim=1) - mean) / std


class StatisticsUnderAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv1d(dim, 128, 1), nn.Tanh(), nn.Conv1d(128, dim, 1), nn.Softmax(dim=2)
        )

    def forward(self, frames):  # (batch, dim, frames) -> (batch, 2 * dim)
        shares = self.network(frames)
        means = torch.einsum("bdf,bdf->bd", shares, frames)
        squares = torch.einsum("bdf,bdf->bd", shares, frames * frames)
        return torch.cat([means, (squares - means * means).clamp(min=1e-9).sqrt()], dim=1)


class AttentiveNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision = torchvision.models.efficientnet_b0().features
        self.att = nn.Sequential(nn.Conv1d(1280, 500, 1, groups=2), StatisticsUnderAttention(500))
        self.bn1 = nn.BatchNorm1d(1000)

    def forward(self, images):
        features = self.vision(images)  # (batch, 1280, 4, frames')
        return self.bn1(self.att(nn.functional.avg_pool2d(features, (4, 1))[:, :, 0]))


NETWORKS = {
    "efficientnet_b0": lambda: torchvision.models.efficientnet_b0(num_classes=1000),
    "efficientnet_b0_att": AttentiveNetwork,
    "efficientnet_b4": lambda: torchvision.models.efficientnet_b4(num_classes=1000),
}


class Encoder(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.net = nn.Sequential(LogScale(), GreyToRgb(), NETWORKS[backbone]())

    def forward(self, powers):
        return self.net(powers)


class PublishedModel(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.feature_extractor = FeatureExtractor()
        self.encoder = Encoder(backbone)

    def forward(self, waveforms):
        return self.encoder(self.feature_extractor(waveforms))


# The greatest log-mel of these is about 8, 7, 5 and -6; near -36 dB it would be 0, by which nothing divides.
LEVELS_DB = (0.0, -6.0, -12.0, -60.0)


def singing(batch, samples, seed=0):
    """Tones with vibrato in a little noise; the clips peak at `LEVELS_DB`, in turn."""
    generator = torch.Generator().manual_seed(seed)
    seconds = torch.arange(samples, dtype=torch.float64) / RATE_HZ
    pitch_hz = 150 + 400 * torch.rand(batch, 1, generator=generator, dtype=torch.float64)
    phase = 2 * math.pi * pitch_hz * seconds + 0.3 * torch.sin(2 * math.pi * 5.5 * seconds)
    tones = sum(torch.sin(harmonic * phase) / harmonic for harmonic in range(1, 9))
    clips = tones + 0.1 * torch.randn(batch, samples, generator=generator, dtype=torch.float64)
    levels_db = torch.tensor([LEVELS_DB[clip % len(LEVELS_DB)] for clip in range(batch)])
    return (clips / clips.abs().amax(dim=1, keepdim=True) * 10 ** (levels_db[:, None] / 20)).float()


@cache
def published_model(backbone="efficientnet_b0"):
    """The model in eval mode; its weights are random, its statistics those of singing.

    A network like that blows rounding up, where training would teach it not to: initial statistics let every
    signal die out, and those of a few clips make it 10^4 times as sensitive to others. So noise is among what
    they are taken of, and the branches beside a skip are quieter than it.
    """
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = PublishedModel(backbone)
        network = model.encoder.net[2]
        if backbone != "efficientnet_b0_att":
            nn.init.normal_(network.classifier[1].bias, std=0.02)
        for part in network.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.uniform_(part.weight, 0.8, 1.2)
                nn.init.normal_(part.bias, std=0.1)
                part.momentum = 1.0  # one batch sets the statistics
            elif isinstance(part, torchvision.ops.StochasticDepth):
                part.p = 0.0
        for part in network.modules():
            if isinstance(part, torchvision.models.efficientnet.MBConv) and part.use_res_connect:
                nn.init.uniform_(part.block[-1][1].weight, 0.1, 0.3)
        with torch.no_grad():
            powers = model.feature_extractor(singing(batch=8, samples=33_000, seed=1))
            images = torch.cat([model.encoder.net[:2](part) for part in (*powers.split(1), powers)])
            network.train()(torch.cat([images, 3 * torch.randn_like(images)]))
    return model.eval()


def hyperparams_of(backbone):
    return {**HYPERPARAMS, "encoder": {**HYPERPARAMS["encoder"], "backbone": backbone}}


def write_published_model(folder, backbone="efficientnet_b0", **changes):
    """Writes `hyperparams.yaml` and `model.pt`; a change replaces a tensor, with None leaves it out."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {**published_model(backbone).state_dict(), **changes}
    torch.save({key: tensor for key, tensor in state.items() if tensor is not None}, folder / "model.pt")
    (folder / "hyperparams.yaml").write_text(yaml.safe_dump(hyperparams_of(backbone)))
    return folder


def published(exact, waveforms):
    """What the published forward gives in float64: `exact` is the model in it."""
    return called(exact, waveforms.double())


def called(encoder, waveforms):
    with torch.no_grad():
        return encoder(waveforms)


def relative_error(found, expected):
    """The greatest over the clips of the error's length over the embedding's."""
    return float(((found.double() - expected.double()).norm(dim=1) / expected.double().norm(dim=1)).max())
