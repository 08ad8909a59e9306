# SPDX-License-Identifier: MIT
"""Router logits for the bench.

Every generator returns a list of (stream, logits): logits float32 [T,E], all different; inputs of one stream come from
one router, so prices may be carried from one to the next (warm start). A trace has one stream per layer.
"""
import struct

import numpy as np

LEAST = 8                       # inputs per case


def count(tokens):
    """Inputs of a case: more when they are small, lest the branch predictor learns them by heart, which makes a small
    torch.topk several times faster than it is on tokens never seen before."""
    return min(max(LEAST, 16384 // tokens), 1024)


def read_trace(path):
    """Returns (logits float32 [layers,tokens,experts], k) of a trace file (format: examples/trace/README.md)."""
    with open(path, "rb") as file:
        header = file.read(64)
        magic, version, layers, tokens, experts, k, dtype, _ = struct.unpack("<8s6I32s", header)
        if magic != b"SPRTRACE" or version != 1 or dtype != 1:
            raise ValueError(f"{path}: not a version 1 trace of float16")
        data = np.frombuffer(file.read(), "<f2")
    return data.reshape(layers, tokens, experts).astype(np.float32), k


def trace(logits, tokens):
    """Windows of real router logits: as many equal, disjoint windows of each layer as fit, all layers in turn."""
    layers, length, _ = logits.shape
    windows = length // tokens
    inputs = [(layer, np.ascontiguousarray(logits[layer, w * tokens:(w + 1) * tokens]))
              for w in range(min(windows, -(-count(tokens) // layers))) for layer in range(layers)]
    if len(inputs) < LEAST:
        raise ValueError(f"the trace has only {len(inputs)} windows of {tokens} tokens")
    return inputs


def zipf(tokens, experts, seed):
    """logit = -log(rank of the expert) + N(0,1): popularity falls as 1/rank. One expert order, new noise per input."""
    bias = -np.log(1.0 + np.random.default_rng(seed).permutation(experts))
    inputs = []
    for i in range(count(tokens)):
        noise = np.random.default_rng((seed, i)).standard_normal((tokens, experts))
        inputs.append((0, (bias + noise).astype(np.float32)))
    return inputs


def topics(tokens, experts, seed):
    """logit = centre of the token's topic + N(0,1): 16 topics with centres 1.5 * N(0,1), drawn with weight 1/rank, so
    tokens of a topic want the same experts. One set of centres, fresh tokens per input."""
    centres = 1.5 * np.random.default_rng(seed).standard_normal((16, experts))
    weight = 1.0 / np.arange(1, 17)
    weight /= weight.sum()
    inputs = []
    for i in range(count(tokens)):
        rng = np.random.default_rng((seed, i))
        topic = rng.choice(16, size=tokens, p=weight)
        inputs.append((0, (centres[topic] + rng.standard_normal((tokens, experts))).astype(np.float32)))
    return inputs
