# SPDX-License-Identifier: MIT
"""The published routing rules, stated once more in plain torch.

For routers that no installable package offers without a GPU stack. Written from the definitions named in each docstring;
nothing is copied. Values are computed in float64 and rounded once to float32, where the frameworks work in float32, so
they agree to a few units in the last place and never decide a selection (make_golden.py keeps clear of near-ties).

A rule returns a Result: ids and weights with the routes of a token in order of selection score (descending, equal scores
by ascending expert id), dropped routes as id -1 and weight 0 in their slot, and margin: the smallest relative distance
between two scores whose order mattered.
"""
import math
from dataclasses import dataclass

import torch

F64 = torch.float64
INF = float("inf")


@dataclass
class Result:
    ids: torch.Tensor        # [T,k] int64
    weights: torch.Tensor    # [T,k] float32
    margin: torch.Tensor     # [T] float64, for decisions inside a token
    expert_margin: float     # for decisions between tokens
    choice: torch.Tensor     # [T,E] float64, selection score, -inf where a group limit forbids


def score(logits, kind):
    """The four score functions, elementwise or over the row, in float64."""
    x = logits.to(F64)
    if kind == "softmax":
        e = torch.exp(x - x.max(dim=1, keepdim=True).values)
        return e / e.sum(dim=1, keepdim=True)
    if kind == "sigmoid":
        return 1.0 / (1.0 + torch.exp(-x))
    if kind == "sqrt_softplus":
        return torch.sqrt(torch.clamp(x, min=0.0) + torch.log1p(torch.exp(-torch.abs(x))))
    assert kind == "logit"
    return x


def gap(a, b):
    """Relative distance of two scores."""
    return torch.abs(a - b) / torch.maximum(torch.abs(a), torch.abs(b)).clamp(min=1e-300)


def order(values):
    """Indices by value descending, ties by ascending index. Compared as float32, as every implementation does."""
    return torch.sort(values.to(torch.float32), dim=1, descending=True, stable=True).indices


def limit_groups(choice, groups, limit, group_score, k, forbidden):
    """Keeps the experts of the `limit` best of `groups` equal blocks; the others get the score `forbidden`."""
    tokens, experts = choice.shape
    blocks = choice.view(tokens, groups, experts // groups)
    best = {"max": 1, "top2_sum": 2, "topk_sum": k // limit if limit else 1}[group_score]
    of_group = blocks.sort(dim=2, descending=True).values[:, :, :best].sum(dim=2)
    ranked = order(of_group)
    kept = torch.zeros(tokens, groups, dtype=torch.bool)
    kept.scatter_(1, ranked[:, :limit], True)
    margin = torch.full((tokens,), INF, dtype=F64)
    if limit < groups:
        last = of_group.gather(1, ranked[:, limit - 1:limit + 1])
        margin = gap(last[:, 0], last[:, 1])
        if group_score != "max":
            # Sums of biased scores may cancel, then float32 noise is absolute: then 1e-6 counts like 1e-5 relative.
            margin = torch.minimum(margin, 10.0 * torch.abs(last[:, 0] - last[:, 1]))
    allowed = kept.unsqueeze(2).expand(tokens, groups, experts // groups).reshape(tokens, experts)
    return torch.where(allowed, choice, torch.full_like(choice, forbidden)), margin


def select(choice, k, forbidden):
    """The k best of each row and the margin between neighbours in rank, the first refused expert included."""
    ranked = order(choice)
    line = choice.gather(1, ranked[:, :k + 1])
    # Forbidden experts are equal by construction; their order is the library's own rule, not a near-tie.
    free = (line[:, :-1] == forbidden) & (line[:, 1:] == forbidden) | torch.isinf(line[:, 1:])
    near = torch.where(free, torch.full_like(line[:, 1:], INF), gap(line[:, :-1], line[:, 1:]))
    return ranked[:, :k], near.min(dim=1).values if near.shape[1] else torch.full((choice.shape[0],), INF, dtype=F64)


def weigh(values, normalize, epsilon, scaling):
    if normalize:
        values = values / (values.sum(dim=1, keepdim=True) + epsilon)
    return values * scaling


def topk(logits, k, kind="softmax", bias=None, groups=1, limit=0, group_score="max", forbidden=-INF, normalize=False,
         epsilon=0.0, scaling=1.0, softmax_selected=False):
    """Select by score + bias inside the best groups, weigh by the score without bias."""
    s = score(logits, "logit" if softmax_selected else kind)
    choice = s if bias is None else s + bias.to(F64)
    margin = torch.full((logits.shape[0],), INF, dtype=F64)
    if groups > 1 and limit:
        choice, margin = limit_groups(choice, groups, limit, group_score, k, forbidden)
    ids, near = select(choice, k, forbidden)
    values = s.gather(1, ids)
    if softmax_selected:
        values = score(values, "softmax")
    weights = weigh(values, normalize, epsilon, scaling)
    return Result(ids, weights.to(torch.float32), torch.minimum(margin, near), INF, choice)


# ------------------------------------------------------------------------------------------------ capacity, common parts

def by_logit(logits, k, kind, normalize, epsilon):
    """The library's own rule: without bias and group sums logits are compared, also where their scores round alike."""
    ids = order(logits)[:, :k]
    values = torch.gather(score(logits, kind).to(torch.float32).to(F64), 1, ids)
    never = torch.full((logits.shape[0],), INF, dtype=F64)
    return Result(ids, weigh(values, normalize, epsilon, 1.0).to(torch.float32), never, INF, logits.to(F64))


def capacity_of(tokens, experts, k, factor):
    """C = ceil(tokens*k/experts * factor), float64 as in Megatron-LM get_capacity."""
    return math.ceil(tokens * k / experts * factor)


def keep_arrival(ids, experts, capacity, first_choices_first):
    """Boolean [T,k]: the first `capacity` arrivals at each expert, by token, or by slot and then token."""
    tokens, k = ids.shape
    keep = torch.zeros(tokens, k, dtype=torch.bool)
    seen = [0] * experts
    line = [(t, j) for j in range(k) for t in range(tokens)] if first_choices_first else \
           [(t, j) for t in range(tokens) for j in range(k)]
    for t, j in line:
        e = int(ids[t, j])
        keep[t, j] = seen[e] < capacity
        seen[e] += 1
    return keep


def keep_highest(ids, key, experts, capacity):
    """Boolean [T,k]: at each expert the `capacity` routes of largest key; and the smallest margin at a cut."""
    keep = torch.zeros(ids.shape, dtype=torch.bool)
    margin = INF
    for e in range(experts):
        routes = [(-float(key[t, j]), int(t), int(j)) for t, j in (ids == e).nonzero().tolist()]
        routes.sort()
        for _, t, j in routes[:capacity]:
            keep[t, j] = True
        if len(routes) > capacity:
            a, b = (torch.tensor(-routes[i][0], dtype=F64) for i in (capacity - 1, capacity))
            margin = min(margin, float(gap(a, b)))
    return keep, margin


def strike(result, keep, values, expert_margin=INF):
    """Puts -1 and 0 where a route was dropped."""
    ids = torch.where(keep, result.ids, torch.full_like(result.ids, -1))
    weights = torch.where(keep, values, torch.zeros_like(values)).to(torch.float32)
    return Result(ids, weights, result.margin, expert_margin, result.choice)


# ----------------------------------------------------------------------------------------------------------- Megatron-LM

def megatron(logits, k, function="softmax", pre_softmax=False, bias=None, groups=1, limit=0, scaling=1.0):
    """NVIDIA/Megatron-LM megatron/core/transformer/moe/moe_utils.py, topk_routing_with_score_function and
    group_limited_topk.

    softmax: the k largest logits and a softmax over just these, or (pre_softmax) the k largest probabilities as they
    are. sigmoid and sqrtsoftplus: the bias is added for selection only; the weights are the scores without bias, divided
    by (sum + 1e-20) if k > 1. A group is worth the sum of its best k // limit scores (biased; logits for the post-top-k
    softmax); other groups are excluded. The weights are multiplied by the scaling factor last."""
    common = dict(groups=groups, limit=limit, group_score="topk_sum", scaling=scaling)
    if function == "softmax":
        return topk(logits, k, "softmax", softmax_selected=not pre_softmax, **common)
    kind = {"sigmoid": "sigmoid", "sqrtsoftplus": "sqrt_softplus"}[function]
    return topk(logits, k, kind, bias=bias, normalize=k > 1, epsilon=1e-20, **common)


def megatron_drop(result, experts, factor, policy):
    """NVIDIA/Megatron-LM moe_utils.py, get_capacity and apply_router_token_dropping, without pad_to_capacity.

    C = ceil(T*k/E * factor). probs: every expert keeps its C routes of largest final weight (after softmax,
    normalisation and scaling). position: every expert keeps its C earliest tokens (the code takes the top C of a 0/1
    column, which leaves the order of equal entries to the device; the earliest are what the name says). What survives
    keeps its weight: nothing is renormalised."""
    tokens, k = result.ids.shape
    capacity = capacity_of(tokens, experts, k, factor)
    if policy == "probs":
        keep, margin = keep_highest(result.ids, result.weights.to(F64), experts, capacity)
        return strike(result, keep, result.weights, margin)
    assert policy == "position"
    return strike(result, keep_arrival(result.ids, experts, capacity, False), result.weights)


# ------------------------------------------------------------------------------------------------------------- DeepSpeed

def deepspeed_capacity(tokens, experts, k, factor, minimum):
    return max(math.ceil(tokens / experts * (factor * k)), minimum)


def deepspeed_top2(logits, factor, minimum):
    """deepspeedai/DeepSpeed deepspeed/moe/sharded_moe.py, top2gating with drop_tokens and without
    top2_2nd_expert_sampling.

    Best and second best of the softmax. C = max(ceil(T/E * 2*factor), minimum). At an expert the second choices queue
    behind all first choices, each in token order; who arrives at place C or later is dropped. The two weights are then
    divided by their sum, a dropped one counting 0."""
    tokens, experts = logits.shape
    plain = topk(logits, 2, "softmax")
    keep = keep_arrival(plain.ids, experts, deepspeed_capacity(tokens, experts, 2, factor, minimum), True)
    gates = score(logits, "softmax").gather(1, plain.ids) * keep
    total = gates.sum(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).eps)
    return strike(plain, keep, gates / total)


def deepspeed_topk(logits, k, factor, minimum, policy):
    """deepspeedai/DeepSpeed deepspeed/moe/sharded_moe.py, topkgating with drop_tokens.

    The k best of the softmax. C = max(ceil(T/E * k*factor), minimum). probs: every expert keeps its C routes of largest
    softmax probability (not yet divided by anything). position: its C earliest tokens. The surviving probabilities of a
    token are divided by their sum."""
    tokens, experts = logits.shape
    plain = topk(logits, k, "softmax")
    capacity = deepspeed_capacity(tokens, experts, k, factor, minimum)
    gates = score(logits, "softmax").gather(1, plain.ids)
    margin = INF
    if policy == "probs":
        keep, margin = keep_highest(plain.ids, gates, experts, capacity)
    else:
        keep = keep_arrival(plain.ids, experts, capacity, False)
    gates = gates * keep
    total = gates.sum(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).eps)
    return strike(plain, keep, gates / total, margin)


# -------------------------------------------------------------------------------------------------------- GShard, Switch

def gshard(logits, capacity):
    """GShard, arXiv:2006.16668, algorithm 1, every second choice kept (no random dispatch); order and division as in
    tensorflow/lingvo lingvo/core/gshard_layers.py, Top2GatingOnLogits with its defaults.

    The two best probabilities are divided by their sum first (lingvo adds 1e-9, invisible here). Then all first choices
    take places in token order, then all second choices; who finds the expert full is dropped and the other weight
    stays as it is."""
    plain = topk(logits, 2, "softmax", normalize=True)
    return strike(plain, keep_arrival(plain.ids, logits.shape[1], capacity, True), plain.weights)


def switch(logits, capacity):
    """Switch Transformer, arXiv:2101.03961, section 2.2: best probability, earliest tokens stay, weight undivided."""
    plain = topk(logits, 1, "softmax")
    return strike(plain, keep_arrival(plain.ids, logits.shape[1], capacity, False), plain.weights)


# ----------------------------------------------------------------------------------------------------------- DeepSeek-V3

def deepseek_v3(logits, k, bias, groups, limit, other_groups, normalize=True, scaling=2.5):
    """DeepSeek-V3, arXiv:2412.19437, section 2.1.2; other_groups: -inf as in vLLM grouped_topk and transformers 5, or
    0.0 as in transformers 4 (models/deepseek_v3/modeling_deepseek_v3.py, DeepseekV3TopkRouter.get_topk_indices)."""
    return topk(logits, k, "sigmoid", bias=bias, groups=groups, limit=limit, group_score="top2_sum",
                forbidden=other_groups, normalize=normalize, epsilon=1e-20, scaling=scaling)
