"""The objectives by name: what each is a weighted sum of, and how its authors optimised it.

An objective is a weighted sum of terms, each named after its function in :mod:`singerprint.losses`. The first
five are those of Torres et al., ISMIR 2023, with the weights of the released configurations
(github.com/SonyCSLParis/ssl-singer-identity, ``train_configs``). What one would not expect of them::

    all five              projections have length 1; each view passes the encoder by itself there, both pass
                          together here
    contrastive           is not SimCLR's loss: only the first view's projections are anchors, only the
                          second view's are negatives (nr_negative 250 is all of a batch of 140), and the
                          positive is left out of the denominator
    contrastive_vc,       variance aims at 1 / sqrt(dim) = 0.088, since rows have length 1 (gamma 1 in the
    vicreg                file vicreg.yaml is never used), with eps 1e-8; covariance weighs 100, not 1
    vicreg                invariance is a mean over all elements, 1 / 128 of the squared distance
    uniformity_alignment  weights 1 and 1, not the code's defaults 0.25 and 0.5; uniformity is the mean of
                          both views; alpha and t are 2
    byol                  is a mean over all elements, (2 - 2 cos) / 128. Adam follows the direction of a
                          gradient and not its size, but adds the weight decay to it: beside a gradient of
                          128 times the size the same decay would do 128 times less. So the weight is
                          1 / 128, and a step is the release's

``simclr`` is the symmetric NT-Xent of Chen et al. 2020, in the setting of ``contrastive``.
``singer_contrastive`` is Desblancs et al., ISMIR 2024 (github.com/deezer/real-cloned-singer-id), with labels:
see :class:`singerprint.data.SingerPairs`. There the rate halves while the validation loss stays, and training
ends when that helps no more; since no count of steps is given, rate and steps are those of ``contrastive``.
"""

from dataclasses import dataclass
from typing import Literal

ObjectiveName = Literal[
    "contrastive",
    "contrastive_vc",
    "uniformity_alignment",
    "vicreg",
    "byol",
    "simclr",
    "singer_contrastive",
]
# Objectives whose positive pairs are two files of one singer, known by the folder.
LABELLED: frozenset[ObjectiveName] = frozenset({"singer_contrastive"})
PROJECTION_DIM = 128


@dataclass(frozen=True)
class Recipe:
    """Settings of one objective as its authors released them.

    Attributes:
        weights: the terms of the loss and what each is multiplied by.
        steps: optimisation steps. The best epochs' checkpoints are named by 53,436 steps of the contrastive
            release and 62,220 of BYOL's; the others stand at the former.
        batch_size: pairs of crops a step.
        learning_rate: peak learning rate.
        weight_decay: weight decay, L2 within Adam.
        warmup_steps: steps of linear warm-up.
        schedule: after the warm-up, constant or a cosine.
        crop_seconds: length of a crop, in seconds.
        augmentation: preset of the chain that makes two views differ.
    """

    weights: dict[str, float]
    steps: int = 53_000
    batch_size: int = 140
    learning_rate: float = 1e-4
    weight_decay: float = 1e-5
    warmup_steps: int = 0
    schedule: Literal["constant", "cosine"] = "constant"
    crop_seconds: float = 4.0
    augmentation: str = "paper"


RECIPES: dict[ObjectiveName, Recipe] = {
    "contrastive": Recipe({"cross_decoupled": 1.0}),
    "contrastive_vc": Recipe({"cross_decoupled": 1.0, "variance": 25.0, "covariance": 100.0}),
    "uniformity_alignment": Recipe({"alignment": 1.0, "uniformity": 1.0}),
    "vicreg": Recipe({"invariance": 25.0, "variance": 25.0, "covariance": 100.0}),
    "byol": Recipe(
        {"byol": 1.0 / PROJECTION_DIM},
        steps=62_000,
        batch_size=120,  # 170 steps an epoch of as many files as the contrastive release had 146 of 140 of
        learning_rate=3e-5,
        weight_decay=1.5e-6,
        warmup_steps=1_700,  # 10 of 1,000 epochs of 170 steps
        schedule="cosine",
    ),
    "simclr": Recipe({"nt_xent": 1.0}),
    "singer_contrastive": Recipe(
        {"supervised_nt_xent": 1.0},
        batch_size=128,
        weight_decay=0.0,
        crop_seconds=6.0,
        augmentation="none",  # another song is another view
    ),
}
