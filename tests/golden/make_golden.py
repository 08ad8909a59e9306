#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the golden vectors: router logits with the ids and weights that the real implementations give for them.

Format of a .golden file: words separated by blanks and line ends, one or more cases, each

    case NAME
    preset NAME                 spr_plan_set_preset
    source TEXT...              where ids and weights come from; to the end of the line
    option NAME VALUE           any number; spr_plan_set_text, after the preset
    array bias N                optional; then N words of 8 hex digits, the bits of float32
    dtype f32|f16|bf16
    shape T E k
    logits                      then T*E words, row-major, 8 hex digits (f32) or 4 (f16, bf16)
    ids                         then T*k decimal integers, -1 = dropped
    weights                     then T*k words of 8 hex digits, the bits of float32
    end

A row of ids is in order of selection score (score + bias), descending, equal scores by ascending id; a dropped route
leaves -1, and weight 0, in its slot. Implementations that return another order are brought to this one.

Where transformers has the router, ids and weights are those of its code, run in float32 with an identity matrix as
router weight, so that its logits are the input bit for bit (checked). Half inputs are converted exactly first. Everything
is also computed by statements.py and the two must agree. Where transformers has no such router, statements.py is the
source.

Random rows are drawn again, with the next seed, while two scores whose order decides an id or a slot differ by less than
1e-5 relative; a case with capacity is drawn again while a cut at an expert is that close. So ids are unambiguous. The
"ties" cases are the opposite: exact ties by hand, decided by this library's own rule, not by another implementation.

The same torch on the same kind of CPU gives the same bytes. A weight may differ in its last bit elsewhere.
"""
import argparse
import os
import pathlib
import sys
import zlib

# The plain code path of torch: no difference between CPUs with other vector units.
os.environ["ATEN_CPU_CAPABILITY"] = "default"

import numpy as np
import torch
import transformers

import statements as st

MARGIN = 1e-5
INF = float("inf")

# ------------------------------------------------------------------------------------------------------ real routers


def identity(parameter):
    with torch.no_grad():
        parameter.copy_(torch.eye(parameter.shape[0], dtype=torch.float32))


def run(router, x):
    with torch.no_grad():
        out = router(x)
    return out


def same_bits(a, b):
    return torch.equal(a.reshape(b.shape).view(torch.int32), b.view(torch.int32))


def simple_router(name, config):
    """Routers that return (logits, weights, ids); the source text names what ran."""
    package, cls = name
    module = __import__(f"transformers.models.{package}.modeling_{package}", fromlist=[cls])

    def real(x, k, bias=None, **settings):
        router = getattr(module, cls)(config(x.shape[1], k, **settings))
        identity(router.weight)
        if hasattr(router, "bias"):
            torch.nn.init.zeros_(router.bias)
        if bias is not None:
            router.e_score_correction_bias.copy_(bias)
        logits, weights, ids = run(router, x)
        assert logits.dtype == torch.float32 and same_bits(logits, x), f"{cls}: logits are not the input"
        return ids, weights

    real.source = f"transformers {transformers.__version__} {cls}"
    return real


def switch_router(x, capacity):
    """One sequence; every token has one expert or, over capacity, none."""
    from transformers.models.switch_transformers import modeling_switch_transformers as m
    experts = x.shape[1]
    config = transformers.SwitchTransformersConfig(hidden_size=experts, d_model=experts, num_experts=experts,
                                                   expert_capacity=capacity, router_jitter_noise=0.0)
    router = m.SwitchTransformersTop1Router(config).eval()
    identity(router.classifier.weight)
    mask, weights, logits = run(router, x.unsqueeze(0))
    assert same_bits(logits, x), "switch: logits are not the input"
    mask, weights = mask[0], weights[0, :, 0]
    ids = torch.where(mask.sum(dim=1) > 0, mask.argmax(dim=1), torch.tensor(-1))
    return ids.unsqueeze(1), torch.where(ids >= 0, weights, torch.tensor(0.0)).unsqueeze(1)


T = transformers
MIXTRAL = simple_router(("mixtral", "MixtralTopKRouter"), lambda e, k: T.MixtralConfig(
    hidden_size=e, num_local_experts=e, num_experts_per_tok=k))
QWEN2 = simple_router(("qwen2_moe", "Qwen2MoeTopKRouter"), lambda e, k, norm=False: T.Qwen2MoeConfig(
    hidden_size=e, num_experts=e, num_experts_per_tok=k, norm_topk_prob=norm))
QWEN3 = simple_router(("qwen3_moe", "Qwen3MoeTopKRouter"), lambda e, k, norm=True: T.Qwen3MoeConfig(
    hidden_size=e, num_experts=e, num_experts_per_tok=k, norm_topk_prob=norm))
OLMOE = simple_router(("olmoe", "OlmoeTopKRouter"), lambda e, k, norm=False: T.OlmoeConfig(
    hidden_size=e, num_experts=e, num_experts_per_tok=k, norm_topk_prob=norm))
V2 = simple_router(("deepseek_v2", "DeepseekV2TopkRouter"), lambda e, k, groups=8, limit=3, scaling=16.0: T.DeepseekV2Config(
    hidden_size=e, n_routed_experts=e, num_experts_per_tok=k, n_group=groups, topk_group=limit,
    topk_method="greedy" if groups == 1 else "group_limited_greedy", routed_scaling_factor=scaling))
V3 = simple_router(("deepseek_v3", "DeepseekV3TopkRouter"),
                   lambda e, k, groups=8, limit=4, norm=True, scaling=2.5: T.DeepseekV3Config(
    hidden_size=e, n_routed_experts=e, num_experts_per_tok=k, n_group=groups, topk_group=limit, norm_topk_prob=norm,
    routed_scaling_factor=scaling))
GPT_OSS = simple_router(("gpt_oss", "GptOssTopKRouter"), lambda e, k: T.GptOssConfig(
    hidden_size=e, num_local_experts=e, num_experts_per_tok=k))

# ------------------------------------------------------------------------------------------------------------- inputs

HALF = {"f16": torch.float16, "bf16": torch.bfloat16}
WORD = {"f32": torch.int32, "f16": torch.int16, "bf16": torch.int16}


def draw(seed, shape):
    """RandomState: its stream is frozen by numpy's compatibility promise."""
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape).astype(np.float32))


class Logits:
    """T rows of normal numbers, the scale cycling from row to row, expert means spread by `skew`; kept as stored."""

    def __init__(self, name, dtype, tokens, experts, scales, skew):
        self.base = zlib.crc32(name.encode())
        self.dtype, self.tokens, self.experts, self.scales, self.skew = dtype, tokens, experts, scales, skew
        self.offset = [0] * tokens
        self.mean = draw(self.base, experts) * skew

    def stored(self):
        rows = []
        for t, offset in enumerate(self.offset):
            seed = (self.base + 7919 * (t + 1) + 104729 * offset) % 2**32
            rows.append(draw(seed, self.experts) * self.scales[t % len(self.scales)] + self.mean)
        x = torch.stack(rows)
        return x.to(HALF[self.dtype]) if self.dtype in HALF else x


def words(tensor, dtype="f32"):
    digits = 8 if dtype == "f32" else 4
    mask = (1 << 4 * digits) - 1
    flat = tensor.contiguous().view(WORD[dtype])
    return [[f"{v & mask:0{digits}x}" for v in row] for row in flat.reshape(flat.shape[0], -1).tolist()]


def brought_to_order(ids, weights, choice):
    """Rows by selection score descending, then id."""
    tokens, k = ids.shape
    out_ids, out_weights = ids.clone(), weights.clone()
    for t in range(tokens):
        slots = sorted(range(k), key=lambda j: (-float(choice[t, ids[t, j]]), int(ids[t, j])))
        out_ids[t], out_weights[t] = ids[t, slots], weights[t, slots]
    return out_ids, out_weights


# -------------------------------------------------------------------------------------------------------------- cases

FILES = {}


def case(name, preset, tokens, experts, k, statement, real=None, source=None, options=None, bias=None, dtype="f32",
         scales=(0.5, 1.0, 2.0, 3.0), skew=0.0, logits=None, drops=False, check=None):
    """statement(x) -> Result; real(x) -> ids, weights in any order. Draws until nothing is close, checks, files."""
    if logits is not None:
        stored = logits.to(HALF[dtype]) if dtype in HALF else logits
        x = stored.to(torch.float32)
        result = statement(x)
    else:
        source_rows = Logits(name, dtype, tokens, experts, scales, skew)
        for attempt in range(10000):
            stored = source_rows.stored()
            x = stored.to(torch.float32)
            result = statement(x)
            near = (result.margin < MARGIN).nonzero().flatten().tolist()
            # A close cut between tokens is no single row's fault: draw one row again.
            if not near and result.expert_margin < MARGIN:
                near = [attempt % tokens]
            if not near:
                break
            for t in near:
                source_rows.offset[t] += 1
        else:
            sys.exit(f"{name}: no draw without near-ties")
    ids, weights = result.ids, result.weights
    if real is not None:
        real_ids, real_weights = real(x)
        if not drops:
            real_ids, real_weights = brought_to_order(real_ids, real_weights, result.choice)
        assert torch.equal(real_ids, ids), f"{name}: real ids differ from the statement"
        error = (real_weights - weights).abs() / weights.abs().clamp(min=1.0)
        assert float(error.max()) <= 1e-6, f"{name}: real weights differ from the statement by {float(error.max())}"
        ids, weights = real_ids, real_weights
    assert tuple(ids.shape) == (tokens, k) and x.shape == (tokens, experts), name
    dropped = int((ids < 0).sum())
    assert (dropped > 0) == drops, f"{name}: {dropped} dropped"
    if check is not None:
        assert check(x, result), f"{name}: the case does not show what it should"
    lines = [f"case {name}", f"preset {preset}", f"source {source.strip()}"]
    lines += [f"option {n} {v}" for n, v in (options or {}).items()]
    if bias is not None:
        lines += [f"array bias {len(bias)}"] + [" ".join(row) for row in words(bias.reshape(1, -1))]
    lines += [f"dtype {dtype}", f"shape {tokens} {experts} {k}", "logits"]
    lines += [" ".join(row) for row in words(stored, dtype)] + ["ids"]
    lines += [" ".join(str(i) for i in row) for row in ids.tolist()] + ["weights"]
    lines += [" ".join(row) for row in words(weights.to(torch.float32))] + ["end", ""]
    FILES.setdefault(preset if not name.startswith("ties") else "ties", []).append("\n".join(lines))
    return dropped


def transformers_cases():
    for dtype in ("f32", "f16", "bf16"):
        tail = "" if dtype == "f32" else "-" + dtype
        case("mixtral" + tail, "mixtral", 48, 8, 2, lambda x: st.topk(x, 2, normalize=True), lambda x: MIXTRAL(x, 2),
             MIXTRAL.source, dtype=dtype)
    case("mixtral-16-experts", "mixtral", 48, 16, 4, lambda x: st.topk(x, 4, normalize=True), lambda x: MIXTRAL(x, 4),
         MIXTRAL.source, {"experts": 16, "k": 4})
    case("mixtral-k1", "mixtral", 48, 8, 1, lambda x: st.topk(x, 1, normalize=True), lambda x: MIXTRAL(x, 1),
         MIXTRAL.source, {"k": 1})

    for name, preset, real, experts, k, norm, options, dtype, tokens in (
            ("qwen2-moe", "qwen2-moe", QWEN2, 60, 4, False, {}, "f32", 48),
            ("qwen2-moe-norm", "qwen2-moe", QWEN2, 60, 4, True, {"normalize": "sum"}, "f32", 32),
            ("qwen2-moe-bf16", "qwen2-moe", QWEN2, 60, 4, False, {}, "bf16", 48),
            ("qwen3-moe", "qwen3-moe", QWEN3, 128, 8, True, {}, "f32", 32),
            ("qwen3-moe-f16", "qwen3-moe", QWEN3, 128, 8, True, {}, "f16", 32),
            ("qwen3-moe-no-norm", "qwen3-moe", QWEN3, 128, 8, False, {"normalize": "none"}, "f32", 24),
            ("olmoe", "olmoe", OLMOE, 64, 8, False, {}, "f32", 48),
            ("olmoe-bf16", "olmoe", OLMOE, 64, 8, False, {}, "bf16", 48),
            ("olmoe-norm", "olmoe", OLMOE, 64, 8, True, {"normalize": "sum"}, "f32", 24)):
        case(name, preset, tokens, experts, k, lambda x: st.topk(x, k, normalize=norm), lambda x: real(x, k, norm=norm),
             f"{real.source} norm_topk_prob={norm}", options, dtype=dtype)

    v2 = lambda x: st.topk(x, 6, groups=8, limit=3, group_score="max", scaling=16.0)
    case("deepseek-v2", "deepseek-v2", 24, 160, 6, v2, lambda x: V2(x, 6), V2.source + " group_limited_greedy")
    case("deepseek-v2-bf16", "deepseek-v2", 24, 160, 6, v2, lambda x: V2(x, 6), V2.source + " group_limited_greedy",
         dtype="bf16")
    case("deepseek-v2-lite", "deepseek-v2", 48, 64, 6, lambda x: st.topk(x, 6), lambda x: V2(x, 6, groups=1, limit=1, scaling=1.0),
         V2.source + " greedy", {"experts": 64, "groups": 1, "group_limit": 0, "scaling_factor": 1})

    flat = (0.3, 0.7, 1.0, 1.5)    # larger logits saturate the sigmoid, where all best scores are near-ties
    small = draw(11, 256) * 0.1
    # Negative for most experts, positive for some: inside the chosen groups too.
    mixed = draw(12, 256) * 0.3 - 1.2
    v3 = lambda bias, **s: lambda x: st.deepseek_v3(x, 8, bias, 8, 4, -INF, **s)
    zero = torch.zeros(256)

    def negative_chosen(x, r):
        chosen = r.choice.gather(1, r.ids)
        return bool((chosen < 0).any())

    case("deepseek-v3", "deepseek-v3", 24, 256, 8, v3(zero), lambda x: V3(x, 8), V3.source, scales=flat)
    case("deepseek-v3-bias", "deepseek-v3", 24, 256, 8, v3(small), lambda x: V3(x, 8, small), V3.source, bias=small,
         scales=flat)
    case("deepseek-v3-bias-bf16", "deepseek-v3", 24, 256, 8, v3(small), lambda x: V3(x, 8, small), V3.source, bias=small,
         dtype="bf16", scales=flat)
    case("deepseek-v3-negative-exclude", "deepseek-v3", 24, 256, 8, v3(mixed), lambda x: V3(x, 8, mixed),
         V3.source + "; other groups -inf, as vLLM grouped_topk", {"group_mask": "exclude"}, bias=mixed, scales=flat,
         check=negative_chosen)
    # One expert of each group of four is positive, the rest negative: the four experts of the third group, at 0, fill the
    # row. Which six are chosen leaves no freedom, so this is the published result and not a tie rule.
    ones = torch.tensor([0.0, -1.7, -2.0, -1.5, -1.6, 0.01, -1.9, -2.1, -2.0, -1.8, 0.02, -1.55])
    case("deepseek-v3-negative-zero", "deepseek-v3", 48, 12, 6,
         lambda x: st.deepseek_v3(x, 6, ones, 3, 2, 0.0), None,
         "statement deepseek_v3, other groups 0 (transformers 4 DeepseekV3TopkRouter.get_topk_indices)",
         {"experts": 12, "k": 6, "groups": 3, "group_limit": 2, "group_mask": "zero"}, bias=ones, scales=flat,
         check=lambda x, r: bool(((r.choice.gather(1, r.ids) == 0).sum(dim=1) == 4).all()))
    case("deepseek-v3-negative-zero-256", "deepseek-v3", 24, 256, 8,
         lambda x: st.deepseek_v3(x, 8, mixed, 8, 4, 0.0), None,
         "statement deepseek_v3, other groups 0; equal zeros by own rule, ascending id", {"group_mask": "zero"}, bias=mixed,
         scales=flat, check=lambda x, r: bool((r.choice.gather(1, r.ids) == 0).any())
         and bool((r.choice.gather(1, r.ids) > 0).any()))
    case("deepseek-v3-one-group", "deepseek-v3", 32, 64, 6,
         lambda x: st.deepseek_v3(x, 6, small[:64], 1, 1, -INF, normalize=False, scaling=1.0),
         lambda x: V3(x, 6, small[:64], groups=1, limit=1, norm=False, scaling=1.0), V3.source + " norm_topk_prob=False",
         {"experts": 64, "k": 6, "groups": 1, "group_limit": 1, "normalize": "none", "scaling_factor": 1},
         bias=small[:64], scales=flat)

    oss = lambda x: st.topk(x, 4, softmax_selected=True)
    case("gpt-oss", "gpt-oss", 32, 128, 4, oss, lambda x: GPT_OSS(x, 4), GPT_OSS.source)
    case("gpt-oss-20b", "gpt-oss", 48, 32, 4, oss, lambda x: GPT_OSS(x, 4), GPT_OSS.source, {"experts": 32})
    case("gpt-oss-20b-bf16", "gpt-oss", 48, 32, 4, oss, lambda x: GPT_OSS(x, 4), GPT_OSS.source, {"experts": 32}, dtype="bf16")
    case("gpt-oss-20b-f16", "gpt-oss", 48, 32, 4, oss, lambda x: GPT_OSS(x, 4), GPT_OSS.source, {"experts": 32}, dtype="f16")

    source = f"transformers {transformers.__version__} SwitchTransformersTop1Router expert_capacity="
    for name, tokens, experts, capacity, options, dtype in (
            ("switch", 48, 128, 1, {}, "f32"),                       # ceil(48/128 * 1.25)
            ("switch-8", 48, 8, 8, {"experts": 8}, "f32"),           # ceil(48/8 * 1.25), 7.5 before rounding
            ("switch-8-floor", 48, 8, 7, {"experts": 8, "capacity_rounding": "floor"}, "f32"),
            ("switch-16-bf16", 48, 16, 5, {"experts": 16, "capacity": 5}, "bf16")):
        case(name, "switch", tokens, experts, 1, lambda x: st.switch(x, capacity), lambda x: switch_router(x, capacity),
             source + str(capacity), options, dtype=dtype, skew=0.7, drops=True)


def statement_cases():
    source = "statement gshard (arXiv:2006.16668 algorithm 1, lingvo Top2GatingOnLogits), C="
    for name, tokens, experts, capacity, options, dtype in (
            ("gshard", 64, 128, 1, {}, "f32"), ("gshard-12", 48, 12, 8, {"experts": 12}, "f32"),
            ("gshard-12-bf16", 48, 12, 8, {"experts": 12}, "bf16")):
        case(name, "gshard", tokens, experts, 2, lambda x: st.gshard(x, capacity), None, source + str(capacity), options,
             dtype=dtype, skew=0.7, drops=True)

    source = "statement deepspeed_top2 (DeepSpeed sharded_moe.py top2gating)"
    for name, tokens, experts, factor, minimum, options, dtype in (
            ("deepspeed-top2", 48, 8, 1.0, 8, {}, "f32"),                                           # C = 12
            ("deepspeed-top2-minimum", 40, 16, 1.0, 8, {"experts": 16}, "f32"),                     # 5, raised to 8
            ("deepspeed-top2-min-4", 40, 16, 1.0, 4, {"experts": 16, "capacity_minimum": 4}, "f32"),  # 5
            ("deepspeed-top2-factor", 50, 8, 1.25, 8, {"capacity_factor": 1.25}, "f32"),            # 15.625, C = 16
            ("deepspeed-top2-f16", 48, 8, 1.0, 8, {}, "f16")):
        case(name, "deepspeed-top2", tokens, experts, 2, lambda x: st.deepspeed_top2(x, factor, minimum), None, source,
             options, dtype=dtype, skew=1.0, drops=True)
    source = "statement deepspeed_topk (DeepSpeed sharded_moe.py topkgating), drop_policy="
    for policy, word in (("probs", "probability"), ("position", "position")):
        case("deepspeed-topk-" + policy, "deepspeed-top2", 48, 16, 4, lambda x: st.deepspeed_topk(x, 4, 1.0, 8, policy),
             None, source + policy, {"experts": 16, "k": 4, "drop_order": word}, skew=0.7, drops=True)

    bias = draw(21, 64) * 0.2
    flat = (0.3, 0.7, 1.0, 1.5)
    groups = {"groups": 8, "group_limit": 4, "group_score": "topk_sum"}
    source = "statement megatron (Megatron-LM moe_utils.py topk_routing_with_score_function) "
    for name, preset, settings, options, use_bias, dtype, scales, k in (
            ("megatron", "megatron", {}, {}, False, "f32", None, 8),
            ("megatron-bf16", "megatron", {}, {}, False, "bf16", None, 8),
            ("megatron-scaling", "megatron", {"scaling": 2.5}, {"scaling_factor": 2.5}, False, "f32", None, 8),
            ("megatron-logit-groups", "megatron", {"groups": 8, "limit": 4}, groups, False, "f32", None, 8),
            ("megatron-pre-softmax", "megatron-pre-softmax", {"pre_softmax": True}, {}, False, "f32", None, 8),
            ("megatron-pre-softmax-f16", "megatron-pre-softmax", {"pre_softmax": True}, {}, False, "f16", None, 8),
            ("megatron-pre-softmax-groups", "megatron-pre-softmax", {"pre_softmax": True, "groups": 8, "limit": 4,
             "scaling": 16.0}, {**groups, "scaling_factor": 16}, False, "f32", None, 8),
            ("megatron-sigmoid", "megatron-sigmoid", {"function": "sigmoid"}, {}, False, "f32", flat, 8),
            ("megatron-sigmoid-bias", "megatron-sigmoid", {"function": "sigmoid"}, {}, True, "f32", flat, 8),
            ("megatron-sigmoid-bias-bf16", "megatron-sigmoid", {"function": "sigmoid"}, {}, True, "bf16", flat, 8),
            ("megatron-sigmoid-k1", "megatron-sigmoid", {"function": "sigmoid", "scaling": 2.5},
             {"k": 1, "scaling_factor": 2.5}, True, "f32", flat, 1),
            ("megatron-sqrtsoftplus", "megatron-sqrtsoftplus", {"function": "sqrtsoftplus"}, {}, False, "f32", None, 8),
            ("megatron-sqrtsoftplus-bias", "megatron-sqrtsoftplus", {"function": "sqrtsoftplus"}, {}, True, "f32", None, 8),
            ("megatron-sqrtsoftplus-k1-f16", "megatron-sqrtsoftplus", {"function": "sqrtsoftplus"}, {"k": 1}, True, "f16", None, 1),
            ("megatron-group", "megatron-group", {"function": "sigmoid", "groups": 8, "limit": 4}, {}, False, "f32", flat, 8),
            ("megatron-group-bias", "megatron-group", {"function": "sigmoid", "groups": 8, "limit": 4}, {}, True, "f32", flat, 8),
            ("megatron-group-bias-f16", "megatron-group", {"function": "sigmoid", "groups": 8, "limit": 4}, {}, True, "f16", flat, 8)):
        b = bias if use_bias else None
        case(name, preset, 32, 64, k, lambda x: st.megatron(x, k, bias=b, **settings), None,
             source + " ".join(f"{n}={v}" for n, v in settings.items()), options, bias=b, dtype=dtype,
             scales=scales or (0.5, 1.0, 2.0, 3.0))

    source = "statement megatron_drop (Megatron-LM moe_utils.py apply_router_token_dropping) policy="
    drop = {"capacity_factor": 1, "overflow": "drop"}
    for name, preset, policy, factor, experts, k, settings, options, use_bias, dtype, drops in (
            ("megatron-drop", "megatron-drop", "probs", 1.0, 64, 8, {}, {}, False, "f32", True),
            ("megatron-drop-bf16", "megatron-drop", "probs", 1.0, 64, 8, {}, {}, False, "bf16", True),
            ("megatron-drop-factor", "megatron-drop", "probs", 1.25, 16, 2, {},
             {"experts": 16, "k": 2, "capacity_factor": 1.25}, False, "f32", True),              # 7.5, C = 8
            ("megatron-drop-large", "megatron-drop", "probs", 16.0, 16, 2, {},
             {"experts": 16, "k": 2, "capacity_factor": 16}, False, "f32", False),               # C > T: none dropped
            ("megatron-drop-pre-softmax", "megatron-pre-softmax", "probs", 1.0, 64, 8, {"pre_softmax": True},
             {**drop, "drop_order": "probability"}, False, "f32", True),
            ("megatron-drop-sigmoid", "megatron-sigmoid", "probs", 1.0, 64, 8, {"function": "sigmoid", "scaling": 2.5},
             {**drop, "drop_order": "probability", "scaling_factor": 2.5}, True, "f32", True),
            ("megatron-drop-position", "megatron-drop-position", "position", 1.0, 64, 8, {}, {}, False, "f32", True),
            ("megatron-drop-position-f16", "megatron-drop-position", "position", 1.0, 64, 8, {}, {}, False, "f16", True),
            ("megatron-drop-position-16", "megatron-drop-position", "position", 1.25, 16, 2, {},
             {"experts": 16, "k": 2, "capacity_factor": 1.25}, False, "f32", True)):
        b = bias if use_bias else None
        case(name, preset, 48, experts, k,
             lambda x: st.megatron_drop(st.megatron(x, k, bias=b, **settings), experts, factor, policy), None,
             source + policy + "".join(f" {n}={v}" for n, v in settings.items()), options, bias=b, dtype=dtype,
             scales=flat if use_bias else (0.5, 1.0, 2.0, 3.0), skew=0.5, drops=drops)


def tie_cases():
    """Own rule: score descending, expert id ascending. No other implementation promises anything here."""
    own = "own rule for ties: score descending, expert id ascending; "
    ladder = torch.zeros(6, 8)
    ladder[1, :] = 3.0
    ladder[2, 2:] = 1.0                          # six equal, best first two of them
    ladder[3, [1, 6, 7]] = torch.tensor([2.0, 2.0, 2.0])
    ladder[4, 7], ladder[4, :7] = 5.0, -1.0      # one clear, the rest equal
    ladder[5, 0::2] = -0.0                       # -0 equals +0
    case("ties-softmax", "mixtral", 6, 8, 2, lambda x: st.topk(x, 2, normalize=True), None, own + "equal logits",
         logits=ladder)
    case("ties-softmax-bf16", "mixtral", 6, 8, 2, lambda x: st.topk(x, 2, normalize=True), None, own + "equal logits",
         logits=ladder, dtype="bf16")
    case("ties-selected", "gpt-oss", 6, 8, 4, lambda x: st.topk(x, 4, softmax_selected=True), None, own + "equal logits",
         {"experts": 8}, logits=ladder)
    wide = torch.zeros(4, 64)
    wide[1, 40:] = 1.0
    wide[2, 63], wide[2, 17], wide[2, 33] = 2.0, 2.0, 1.0
    wide[3] = torch.arange(64).remainder(5).to(torch.float32)
    case("ties-sigmoid", "megatron-sigmoid", 4, 64, 8, lambda x: st.megatron(x, 8, "sigmoid"), None, own + "equal logits",
         logits=wide)
    case("ties-groups", "megatron-group", 4, 64, 8, lambda x: st.megatron(x, 8, "sigmoid", groups=8, limit=4), None,
         own + "groups too, lower group first", logits=wide)
    # float32 cannot tell these scores apart although the logits differ: the logits decide.
    high = torch.tensor([[20.0, 30.0, 25.0, 40.0, 0.0, 1.0, 2.0, 50.0], [0.0, 60.0, 30.0, -5.0, 40.0, 35.0, 20.0, 18.0]])
    case("ties-saturated-sigmoid", "megatron-sigmoid", 2, 8, 4, lambda x: st.by_logit(x, 4, "sigmoid", True, 1e-20), None,
         own + "sigmoid rounds to 1", {"experts": 8, "k": 4}, logits=high)
    low = torch.tensor([[0.0, -200.0, -300.0, -250.0, -150.0, -160.0, -170.0, -180.0],
                        [-400.0, -200.0, -300.0, -250.0, 10.0, -160.0, 12.0, -180.0]])
    case("ties-saturated-softmax", "qwen2-moe", 2, 8, 4, lambda x: st.by_logit(x, 4, "softmax", False, 0.0), None,
         own + "softmax rounds to 0",
         {"experts": 8}, logits=low)


def main():
    parser = argparse.ArgumentParser(description="Writes the golden vectors of tests/golden.")
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path(__file__).parent, help="folder to write to")
    parser.add_argument("--list", action="store_true", help="also print case and source")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    transformers_cases()
    statement_cases()
    tie_cases()
    for name, cases in FILES.items():
        (arguments.output / f"{name}.golden").write_text("".join(cases), encoding="ascii")
        if arguments.list:
            for text in cases:
                head = text.split("\n", 3)
                print(f"{head[0][5:]:32}{head[1][7:]:24}{head[2][7:]}")
    total = sum(len(text) for cases in FILES.values() for text in cases)
    print(f"{sum(map(len, FILES.values()))} cases in {len(FILES)} files, {total} bytes")


if __name__ == "__main__":
    main()
