# SPDX-License-Identifier: MIT
"""Inputs of the bench for the quadratic terms: decode and prefill batches as (stream, logits), logits float32 [T,E].

decode     B tokens of B distant positions of a trace of real router logits: the tokens of concurrent sequences at one
           decode step. The positions of a layer are cut into B equal stretches and a batch takes one token of each; the
           order within each stretch is a fixed shuffle, so batches of a pass are disjoint and all differ.
synthetic  for a shape without a trace: mixtures of topics with power-law popularity. Always called "synthetic".
gptoss     real decode-time routes of GPT-OSS-20B (32 experts, top-4): B different sequences at the same step. The file
           holds the weights of the four chosen experts only (as bytes); see complete() for the model of the rest.
prefill    whole windows of a trace, or many tokens of GPT-OSS in file order.
"""
import os

import numpy as np

import inputs

GPTOSS_LAYERS, GPTOSS_EXPERTS, GPTOSS_K = 24, 32, 4
GPTOSS_MODEL = ("runner-up scores are not in the data: score of an expert not chosen = w4 * r * p / max p, with w4 the "
                "token's 4th weight, r the layer's mean of w4 / w3, p the mean over the token's four experts f of the "
                "frequency of the expert among the layer's tokens that use f, max p over the experts not chosen")


def contiguous(logits):
    return np.ascontiguousarray(logits, np.float32)


def decode(traced, batch, count):
    """traced [layers,length,E] -> count batches of that many tokens, layers in turn."""
    layers, length, _ = traced.shape
    stretch = length // batch
    starts = np.arange(batch) * stretch
    found = []
    for number in range(-(-count // layers)):
        turn, place = divmod(number, stretch)
        for layer in range(layers):
            rng = np.random.default_rng((batch, layer, turn))
            order = np.stack([rng.permutation(stretch) for _ in range(batch)])
            found.append((layer, contiguous(traced[layer, starts + order[:, place]])))
    return found[:count]


def synthetic(tokens, experts, count, seed=0):
    """logit = 0.5 * (-log rank of the expert) + centre of the token's topic + N(0,1). 24 topics with centres
    1.5 * N(0,1), drawn with weight 1/rank. One router (order and centres), fresh tokens per batch."""
    rng = np.random.default_rng(seed)
    popularity = -0.5 * np.log(1.0 + rng.permutation(experts))
    centres = 1.5 * rng.standard_normal((24, experts))
    weight = 1.0 / np.arange(1, 25)
    weight /= weight.sum()
    found = []
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        topic = rng.choice(24, size=tokens, p=weight)
        found.append((0, contiguous(popularity + centres[topic] + rng.standard_normal((tokens, experts)))))
    return found


class Gptoss:
    """The routes of a folder: ids.u8 and weights.u8, uint8 [token][24][4], and sequences.tsv."""

    def __init__(self, folder):
        shape = (-1, GPTOSS_LAYERS, GPTOSS_K)
        self.ids = np.fromfile(os.path.join(folder, "ids.u8"), np.uint8).reshape(shape)
        self.weights = np.fromfile(os.path.join(folder, "weights.u8"), np.uint8).reshape(shape)
        with open(os.path.join(folder, "sequences.tsv"), encoding="utf-8") as file:
            rows = [line.split("\t")[:2] for line in file.read().splitlines()[1:]]
        self.sequences = [(int(first), int(tokens)) for first, tokens in rows]
        self.models = {}

    def model(self, layer):
        """(r, frequency [f,e] of e among the tokens that use f) of a layer."""
        if layer not in self.models:
            used = np.zeros((len(self.ids), GPTOSS_EXPERTS), np.float32)
            np.put_along_axis(used, self.ids[:, layer].astype(np.int64), 1.0, axis=1)
            together = (used.T @ used).astype(np.float64)
            weights = np.maximum(self.weights[:, layer], 0.5)
            ratio = float(np.mean(weights[:, 3] / weights[:, 2]))
            self.models[layer] = ratio, together / np.maximum(np.diag(together), 1.0)[:, None]
        return self.models[layer]

    def complete(self, layer, tokens):
        """Logits [len(tokens),32] = log of the scores: known weights, and GPTOSS_MODEL for the rest. A weight whose
        byte is 0 counts as half a step, the frequency of a pair never seen as half a token."""
        ratio, frequency = self.model(layer)
        chosen = self.ids[tokens, layer].astype(np.int64)
        weights = np.maximum(self.weights[tokens, layer], 0.5) / 255.0
        likely = frequency[chosen].mean(axis=1) + 0.5 / len(self.ids)
        np.put_along_axis(likely, chosen, 0.0, axis=1)
        scores = weights[:, 3:] * ratio * likely / likely.max(axis=1, keepdims=True)
        np.put_along_axis(scores, chosen, weights, axis=1)
        return contiguous(np.log(scores))

    def decode(self, batch, count):
        """Batch number i: layer i mod 24, step 16 + 7 i mod 80 of the answer (the first tokens are a preamble, alike in
        all sequences), the first sequences (rotated by i) that are long enough."""
        found = []
        for i in range(count):
            step = 16 + 7 * i % 80
            rotated = self.sequences[i % len(self.sequences):] + self.sequences[:i % len(self.sequences)]
            tokens = [first + step for first, length in rotated if length > step][:batch]
            if len(tokens) < batch:
                raise ValueError(f"only {len(tokens)} sequences have {step + 1} tokens")
            layer = i % GPTOSS_LAYERS
            found.append((layer, self.complete(layer, np.array(tokens))))
        return found


def prefill(traced, tokens, count):
    """Windows of consecutive tokens, layers in turn."""
    layers, length, _ = traced.shape
    found = [(layer, contiguous(traced[layer, first:first + tokens]))
             for first in range(0, length - tokens + 1, tokens) for layer in range(layers)]
    return found[:count]


def affinity(logits):
    """s of H: the softmax, float32 as the library computes it up to rounding."""
    logits = logits.astype(np.float64)
    power = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (power / power.sum(axis=1, keepdims=True)).astype(np.float32)
