"""An encoder's forward pass waits for nothing, so that a CUDA graph holds it."""

import pytest
import torch
from tests.python.fitted_encoder import fitted, singing

import singerprint as sp


@pytest.mark.parametrize("device", ["cuda"], indirect=True)
@pytest.mark.parametrize("network", ["efficientnet_b0", "vit_s16", "cnn_transformer"])
def test_a_graph_embeds_other_clips(device, network):
    encoder = fitted(sp.SingerEncoder.untrained(network=network, embedding_dim=16)).to(device)
    held, clips = (singing(2, 44_100, seed).to(device) for seed in (2, 3))
    stream, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    with torch.no_grad():
        expected = encoder(clips)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # tables are made and algorithms chosen before what is held
            encoder(held)
        torch.cuda.current_stream().wait_stream(stream)
        with torch.cuda.graph(graph):
            embeddings = encoder(held)
        held.copy_(clips)
        graph.replay()
    # Other algorithms of the convolutions: some 80 layers round in another order.
    torch.testing.assert_close(embeddings, expected, rtol=0, atol=float(1e-5 * expected.norm()))
