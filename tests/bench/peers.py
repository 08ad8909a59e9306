# SPDX-License-Identifier: MIT
"""What others do, stated in torch from the published sources: each function takes float32 logits [T,E] and returns ids
[T,k] (int64, -1 = none), experts of a row distinct.

No peer but top-k promises anything about capacity; what exceeds it is dropped afterwards, see quality.py. Quantile
balancing and the auction are given the same affinity that the quality is measured in, the softmax probability; Sinkhorn
is given the logits, as published (it exponentiates them itself).
"""
import torch


def topk(logits, k):
    """Top-k of the logits: torch.topk alone."""
    return torch.topk(logits, k, dim=-1).indices


def softmax_topk(logits, k):
    """Softmax, then top-k: ids and unnormalised weights (transformers OlmoeTopKRouter; Mixtral, Qwen3-MoE add a
    normalisation)."""
    weights, ids = torch.topk(torch.softmax(logits, dim=-1), k, dim=-1)
    return ids, weights


def sinkhorn(logits, k, tolerance=1e-4):
    """Megatron-LM moe_router_load_balancing_type "sinkhorn" (megatron/core/transformer/moe/moe_utils.py: sinkhorn,
    router.py: sinkhorn_load_balancing): scale rows and columns of exp(logits) in turn to equal sums until the column
    factors move by at most 1e-4 on average, then top-k of the plan. Also S-BASE (arXiv:2202.01169)."""
    tokens, experts = logits.shape
    plan = torch.exp(logits)
    column = torch.ones(experts)
    moved = float("inf")
    while moved > tolerance:
        row = 1.0 / (tokens * (plan @ column + 1e-8))
        before, column = column, 1.0 / (experts * (row @ plan + 1e-8))
        moved = (before - column).abs().mean().item()
    return torch.topk(plan * column * row[:, None], k, dim=-1).indices


def quantile_step(scores, best, k, capacity):
    """One step of dual coordinate descent: from the k+1 best priced scores of each token, new prices."""
    margins = scores - best.values[:, k:]
    prices = torch.topk(margins, capacity + 1, dim=0).values[-1]
    tokens, experts = scores.shape
    return prices if capacity * experts == tokens * k else prices.clamp_min(0.0)


def quantile_balancing(logits, k, capacity, steps):
    """Dual coordinate descent on the transportation problem, from zero: the step of Megatron-LM "quantile_balancing"
    (moe_utils.py: qb_dual_update), repeated within the batch as in BIP (arXiv:2502.15451). A step: the threshold of a
    token is its (k+1)-th best priced score; the price of an expert is the (C+1)-th largest of its scores minus the
    thresholds. With C = T*k/E the constraint is an equality and prices have any sign (Megatron); above it they are cut
    at zero (BIP). Stops early when no expert is over capacity or the prices stand still; 84 steps
    after the first 16 gain at most 0.001 of the kept affinity. The ids are chosen by the last prices."""
    scores = torch.softmax(logits, dim=-1)
    prices = torch.zeros(scores.shape[1])
    best = torch.topk(scores, k + 1, dim=-1)
    for _ in range(steps):
        loads = torch.bincount(best.indices[:, :k].flatten(), minlength=scores.shape[1])
        if loads.max().item() <= capacity:
            break
        before, prices = prices, quantile_step(scores, best, k, capacity)
        if torch.equal(before, prices):
            break
        best = torch.topk(scores - prices, k + 1, dim=-1)
    return best.indices[:, :k]


def quantile_carried(logits, k, capacity, prices):
    """The same as Megatron-LM uses it in training: the ids are chosen by the prices of earlier batches, then one step
    gives the prices of the next. Returns (ids, next prices)."""
    scores = torch.softmax(logits, dim=-1)
    best = torch.topk(scores - prices, k + 1, dim=-1)
    return best.indices[:, :k], quantile_step(scores, best, k, capacity)


def auction(scores, rounds=100, limit=2000):
    """BASE layers (arXiv:2103.16716; fairseq clib/libbase/balanced_assignment.cpp): every expert takes T/E tokens. In
    each round each expert bids for its T/E best tokens at current costs, up to the value of its next best; the highest
    bid wins and the cost of the token rises by it; winners keep their tokens in the next round unless outbid. epsilon =
    range/50. After 100 rounds winners are not held any more: ends sooner, worse. scores [T,E] -> expert [T], -1 for
    tokens without one after limit rounds (the original has no limit)."""
    tokens, experts = scores.shape
    share = tokens // experts
    table = scores.T.contiguous()
    top = table.max()
    epsilon = ((top - table.min()) / 50).clamp_min(1e-4)
    value = table
    cost = torch.zeros(tokens)
    held = None
    for turn in range(limit):
        best = torch.topk(value, share + 1, dim=1)
        bids = torch.zeros_like(table)
        bids.scatter_(1, best.indices[:, :share], best.values[:, :share] - best.values[:, share:] + epsilon)
        if held is not None and turn < rounds:
            bids[held] = epsilon
        high, bidder = bids.max(dim=0)
        sold = high > 0
        if sold.all():
            break
        cost = cost + high
        value = table - cost
        token = sold.nonzero()[:, 0]
        held = (bidder[token], token)
        value[held] = top if turn < rounds else table[held]
    expert = torch.full((tokens,), -1)
    # At the end every expert has its share of tokens, and every token has a bid: they are a partition.
    expert[best.indices[:, :share].flatten()] = torch.arange(experts).repeat_interleave(share)
    return expert


def base(logits, k):
    """BASE layers are published for k = 1 only. For more the auction is run k times, each time without the pairs
    already taken (their score becomes the lowest of all, as fairseq does with non-finite scores); a pair taken twice is
    dropped. Needs T divisible by E; exactly T*k/E tokens per expert."""
    scores = torch.softmax(logits, dim=-1)
    lowest = scores.min()
    ids = torch.full((scores.shape[0], k), -1)
    row = torch.arange(scores.shape[0])
    taken = torch.zeros_like(scores, dtype=torch.bool)
    for slot in range(k):
        expert = auction(scores.masked_fill(taken, lowest) if slot else scores)
        new = (expert >= 0) & ~taken[row, expert.clamp_min(0)]
        ids[new, slot] = expert[new]
        taken[row[new], expert[new]] = True
    return ids
