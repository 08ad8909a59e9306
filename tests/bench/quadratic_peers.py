# SPDX-License-Identifier: MIT
"""What others do about active experts and touched devices, stated in NumPy from the published rules, and the measures.

A table is ids int64 [T,k], -1 = no expert, experts of a row different, best first. Ties go to the lower expert id.
Experts lie on devices in equal blocks, as in the library's default. Quality is measured on the NumPy forms; for times
the same rule is also written in torch, as a serving engine would on the CPU.
"""
import numpy as np
import torch


def ranking(affinity):
    """[T,E] expert ids, best first."""
    return np.argsort(-affinity, axis=1, kind="stable")


def greedy(affinity, k):
    """Plain top-k."""
    return ranking(affinity)[:, :k]


def within(affinity, opened, k):
    """Every token's k best of the open experts; -1 where fewer are open."""
    order = ranking(np.where(opened, affinity, -np.inf))[:, :k]
    return np.where(opened[order], order, -1)


def oea(affinity, k, keep):
    """Opportunistic expert activation (arXiv:2511.02237), simplified form of the paper: every token keeps its best
    `keep` experts, the union over the batch is active, and each token fills up to k with its best active experts."""
    opened = np.zeros(affinity.shape[1], bool)
    opened[greedy(affinity, keep)] = True
    return within(affinity, opened, k)


def greedy_torch(logits, k):
    """The same as torch does it in a serving engine, for timing: softmax, topk."""
    return torch.topk(torch.softmax(logits, dim=-1), k, dim=-1).indices


def oea_torch(logits, k, keep):
    """oea() in torch, for timing."""
    scores = torch.softmax(logits, dim=-1)
    opened = torch.zeros(scores.shape[1], dtype=torch.bool)
    opened[torch.topk(scores, keep, dim=-1).indices.flatten()] = True
    return torch.topk(scores.masked_fill(~opened, -1.0), k, dim=-1).indices


def group_limited(affinity, k, groups, limit):
    """DeepSeek's device-limited selection: groups are the devices, a group's score is the sum of its best two experts,
    a token uses its best `limit` groups and takes its k best experts there."""
    tokens, experts = affinity.shape
    blocks = affinity.reshape(tokens, groups, experts // groups)
    best_two = np.partition(blocks, blocks.shape[2] - 2, axis=2)[:, :, -2:].sum(axis=2)
    used = np.zeros((tokens, groups), bool)
    np.put_along_axis(used, ranking(best_two)[:, :limit], True, axis=1)
    allowed = np.repeat(used, experts // groups, axis=1)
    order = ranking(np.where(allowed, affinity, -np.inf))[:, :k]
    return np.where(np.take_along_axis(allowed, order, axis=1), order, -1)


def drop(ids, affinity, capacity, order="probability"):
    """Drops routes over capacity: of each expert the routes with the largest affinity stay, equal ones by token
    ("probability"), or those of the earliest tokens ("position")."""
    ids = ids.copy()
    token, slot = np.nonzero(ids >= 0)
    expert = ids[token, slot]
    rank = -affinity[token, expert] if order == "probability" else token
    order = np.lexsort((token, rank, expert))
    start = np.searchsorted(expert[order], np.arange(affinity.shape[1]))
    place = np.arange(len(order)) - start[expert[order]]
    late = order[place >= capacity]
    ids[token[late], slot[late]] = -1
    return ids


def active(ids, experts, devices=1):
    """Active experts of each device."""
    opened = np.zeros(experts, bool)
    opened[ids[ids >= 0]] = True
    return opened.reshape(devices, -1).sum(axis=1)


def kept(ids, affinity):
    """Sum of s over the routes, in float64."""
    values = np.take_along_axis(affinity, np.maximum(ids, 0), axis=1).astype(np.float64)
    return float(values[ids >= 0].sum())


def touches(ids, experts, devices):
    """Devices touched, per token [T]."""
    device = np.where(ids >= 0, ids * devices // experts, -1)
    return sum((device == d).any(axis=1).astype(np.int64) for d in range(devices))


def overflow(ids, experts, capacity):
    """Routes over capacity."""
    return int(np.maximum(np.bincount(ids[ids >= 0], minlength=experts) - capacity, 0).sum())


def objective(ids, affinity, m=0.0, q=0.0, devices=1, touch=0.0):
    """H = - sum s x + m * (active experts) + (q/2) sum_d A[d]^2 + touch * (devices touched)."""
    experts = affinity.shape[1]
    level = active(ids, experts, devices)
    return (-kept(ids, affinity) + m * level.sum() + 0.5 * q * float((level ** 2).sum())
            + touch * float(touches(ids, experts, devices).sum()))
