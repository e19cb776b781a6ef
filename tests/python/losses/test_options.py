"""A module refuses its options when it is made, in the words of the op that it calls."""

import math

import pytest
import torch

from singerprint import losses

TEMPERATURE = "temperature must be between 1e-6 and 1e6, got"
SINGERS = {"dim": 2, "singers": 2}
WEIGHT = "must be finite and not negative, got"


@pytest.mark.parametrize(
    ("module", "options", "sentence"),
    [
        ("NTXent", {"temperature": 0.0}, f"nt_xent: {TEMPERATURE} 0"),
        ("Decoupled", {"temperature": -0.5}, f"decoupled: {TEMPERATURE} -0.5"),
        ("CrossDecoupled", {"temperature": math.nan}, f"cross_decoupled: {TEMPERATURE} nan"),
        ("SupervisedNTXent", {"temperature": math.inf}, f"supervised_nt_xent: {TEMPERATURE} inf"),
        ("Uniformity", {"t": 0.0}, "uniformity: t must be between 1e-6 and 1e5, got 0"),
        ("Alignment", {"alpha": 0.5}, "alignment: alpha must be between 1 and 100, got 0.5"),
        ("VICReg", {"invariance_weight": -1.0}, f"vicreg: invariance_weight {WEIGHT} -1"),
        ("VICReg", {"variance_weight": math.nan}, f"vicreg: variance_weight {WEIGHT} nan"),
        ("VICReg", {"covariance_weight": math.inf}, f"vicreg: covariance_weight {WEIGHT} inf"),
        ("VICReg", {"gamma": 0.0}, "vicreg: gamma must be positive and finite, got 0"),
        ("AMSoftmax", {**SINGERS, "scale": 0.0}, "am_softmax: scale must be between 1e-6 and 1e6, got 0"),
        ("AMSoftmax", {**SINGERS, "margin": -1.0}, "am_softmax: margin must be between 0 and 2, got -1"),
    ],
)
def test_a_bad_option_is_refused_at_once(module, options, sentence):
    with pytest.raises(ValueError, match=r"^\w+: \w+ must") as caught:
        getattr(losses, module)(**options)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_the_default_dtype_is_no_option(dtype):
    torch.set_default_dtype(dtype)
    try:
        losses.NTXent()
    finally:
        torch.set_default_dtype(torch.float32)
