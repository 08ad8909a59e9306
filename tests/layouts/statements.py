# SPDX-License-Identifier: MIT
"""What each published routing layout is, said in plain Python: one function per layout, no thought for speed.

ids is a list of rows, one row per token, -1 = no expert; no expert appears twice in a row. weights has the same
shape. These functions are the specification that tests/layouts/test_layouts.py holds the library to. They were written
from the published definitions and share nothing with lib/layout.
"""

import math


def blocks(ids, experts, block, expert_map, sorted_size, blocks_size):
    """vLLM moe_align_block_size (ignore_invalid_experts=False).

    "sorted_token_ids" lists, expert after expert, the flat indices of the expert's routes, then tokens*k until the
    expert's list is a multiple of block long. "expert_ids" has one entry per block: the expert, through expert_map.
    The buffers may be larger: the rest of sorted_token_ids is tokens*k, the rest of expert_ids is 0.
    vLLM leaves the order inside an expert free; ours is ascending.
    """
    flat = [expert for row in ids for expert in row]
    filler = len(flat)
    sorted_token_ids, expert_ids = [], []
    for expert in range(experts):
        mine = [i for i in range(len(flat)) if flat[i] == expert]
        while len(mine) % block != 0:
            mine.append(filler)
        sorted_token_ids += mine
        expert_ids += [expert if expert_map is None else expert_map[expert]] * (len(mine) // block)
    padded = len(sorted_token_ids)
    sorted_token_ids += [filler] * (sorted_size - len(sorted_token_ids))
    expert_ids += [0] * (blocks_size - len(expert_ids))
    return sorted_token_ids, expert_ids, padded


def dispatch(ids, experts, ranks, nodes):
    """DeepEP get_dispatch_layout.

    Rank r owns the experts of its block of experts/ranks, node n the ranks of its block of ranks/nodes.
    is_token_in_rank[t][r]: does any expert of the token lie on the rank?  num_tokens_per_rank and
    num_tokens_per_rdma_rank (node) count tokens, each once; num_tokens_per_expert counts the tokens of each expert.
    """
    def in_share(row, part, parts):
        return any(expert >= 0 and expert // (experts // parts) == part for expert in row)

    is_token_in_rank = [[int(in_share(row, rank, ranks)) for rank in range(ranks)] for row in ids]
    tokens_per_rank = [sum(row[rank] for row in is_token_in_rank) for rank in range(ranks)]
    tokens_per_node = [sum(in_share(row, node, nodes) for row in ids) for node in range(nodes)]
    tokens_per_expert = [sum(row.count(expert) for row in ids) for expert in range(experts)]
    return tokens_per_rank, tokens_per_node, tokens_per_expert, is_token_in_rank


def dense(ids, weights, experts):
    """Megatron-LM routing_map and probs: ones and weights scattered into zeros [T,E]. ONNX Runtime router_weights."""
    routing_map = [[int(expert in row) for expert in range(experts)] for row in ids]
    probs = [[w[row.index(expert)] if expert in row else 0.0 for expert in range(experts)]
             for row, w in zip(ids, weights)]
    return routing_map, probs


def log_weights(ids, weights, experts):
    """Logits for ONNX Runtime com.microsoft.MoE without router_weights: log of the dense weight, -1e30 if it is 0."""
    _, probs = dense(ids, weights, experts)
    return [[math.log(p) if p > 0.0 else -1e30 for p in row] for row in probs]


def softmax_top_k(logits, k):
    """What that router then does with one row of logits: the k largest, softmax over them. {expert: combine weight}."""
    chosen = sorted(range(len(logits)), key=lambda e: (-logits[e], e))[:k]
    powers = [math.exp(logits[e] - logits[chosen[0]]) for e in chosen]
    return {e: power / sum(powers) for e, power in zip(chosen, powers)}


def permutation(ids, experts, ranks):
    """Megatron-LM permute() and MoEAlltoAllTokenDispatcher.preprocess().

    sorted_indices = the token indices selected by the transposed routing map, read row by row (expert-major);
    tokens_per_expert = routing_map.sum(dim=0); input_splits = tokens_per_expert.reshape(ranks, -1).sum(axis=1).
    """
    routing_map = [[int(expert in row) for expert in range(experts)] for row in ids]
    sorted_indices = [t for expert in range(experts) for t in range(len(ids)) if routing_map[t][expert]]
    tokens_per_expert = [sum(row[expert] for row in routing_map) for expert in range(experts)]
    share = experts // ranks
    input_splits = [sum(tokens_per_expert[rank * share:(rank + 1) * share]) for rank in range(ranks)]
    return sorted_indices, tokens_per_expert, input_splits


def slots(ids, weights, k, experts, slot_order):
    """Indices, locations and gates, one list per slot, of Tutel's extract_critical and DeepSpeed's sharded_moe.

    slot_order 1 (GShard top-2, DeepSpeed top2gating, Tutel): the location of token t's choice number s is the number of
    earlier tokens whose choice number s is that expert, plus all choices before s of that expert, by any token.
    slot_order 0 (DeepSpeed topkgating): cumsum over tokens of the [T,E] mask, minus 1: the number of earlier tokens
    that use the expert in any slot.
    """
    tokens = len(ids)
    indices = [[ids[t][s] for t in range(tokens)] for s in range(k)]
    gates = [[weights[t][s] if ids[t][s] >= 0 else 0.0 for t in range(tokens)] for s in range(k)]
    locations = [[-1] * tokens for s in range(k)]
    for s in range(k):
        for t in range(tokens):
            expert = indices[s][t]
            if expert >= 0 and slot_order == 1:
                locations[s][t] = indices[s][:t].count(expert) + sum(indices[p].count(expert) for p in range(s))
            elif expert >= 0:
                locations[s][t] = sum(expert in row for row in ids[:t])
    counts = [sum(row.count(expert) for row in ids) for expert in range(experts)]
    return indices, locations, gates, counts
