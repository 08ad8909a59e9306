#!/usr/bin/env python3
"""Train a small mixture-of-experts language model on the Perl manuals and
write a trace of its real router logits.  See README.md for the file format."""

import argparse
import glob
import math
import os
import re
import struct
import time

os.environ.setdefault("RAYON_NUM_THREADS", "1")  # tokenizers: one thread

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import ByteLevelBPETokenizer
from torch import nn

# Never trained on, in the order in which the trace reads them.
HELD_OUT = ["perlreftut.pod", "perlopentut.pod", "perlthrtut.pod"]

# Never read: perltoc repeats the headings of every other file, held-out ones
# too; the others are not English.
SKIPPED = ["perltoc.pod", "perlcn.pod", "perljp.pod", "perlko.pod", "perltw.pod"]


# ---------------------------------------------------------------- text

def strip_inline(text):
    """Remove inline POD codes: C<x> becomes x, L<text|target> becomes text."""
    text = text.replace("E<lt>", "\x01").replace("E<gt>", "\x02")
    text = re.sub(r"\b[BCFILS](<<+)\s+(.*?)\s+>>+",
                  lambda m: m[2].replace("<", "\x01").replace(">", "\x02"),
                  text, flags=re.S)
    before = None
    while before != text:  # innermost codes first
        before = text
        text = re.sub(r"[XZ]<[^<>]*>", "", text)
        text = re.sub(r"L<(?:([^<>|]*)\|)?([^<>]*)>",
                      lambda m: m[1] or m[2], text)
        text = re.sub(r"\b[BCFISE]<([^<>]*)>", r"\1", text)
    return text.replace("\x01", "<").replace("\x02", ">")


def strip_pod(pod):
    """Turn POD into plain text; verbatim (indented) paragraphs stay as they are."""
    out = []
    for paragraph in re.split(r"\n[ \t]*\n", pod):
        paragraph = paragraph.strip("\n")
        if not paragraph.strip():
            continue
        if paragraph[0] not in " \t":
            if re.match(r"=(encoding|over|back|cut|pod|begin|end|for)\b", paragraph):
                continue
            paragraph = re.sub(r"^=(head\d|item)\s*", "", paragraph)
            paragraph = strip_inline(paragraph)
        if paragraph.strip():
            out.append(paragraph)
    return "\n\n".join(out) + "\n\n"


def read_texts(text_dir):
    """Return (training texts, held-out texts) of the .pod files of a directory."""
    train, seen = [], set()
    held_out = {}
    for path in sorted(glob.glob(os.path.join(text_dir, "*.pod"))):
        name = os.path.basename(path)
        if name in SKIPPED:
            continue
        with open(path, encoding="utf-8", errors="replace") as f:
            text = strip_pod(f.read())
        if name in HELD_OUT:
            held_out[name] = text
        elif text not in seen:  # perldelta.pod is a copy of the newest delta
            seen.add(text)
            train.append(text)
    missing = [name for name in HELD_OUT if name not in held_out]
    if missing or not train:
        raise SystemExit(f"{text_dir}: no text, or missing {missing}; "
                         "is perl-doc installed?")
    return train, [held_out[name] for name in HELD_OUT]


def encode(tokenizer, texts):
    """Token ids of all texts, one after another, as one int64 tensor."""
    ids = [i for text in texts for i in tokenizer.encode(text).ids]
    return torch.tensor(ids, dtype=torch.int64)


def unigram_of(ids, vocab):
    """Add-one token frequencies of ids, [vocab], summing to one."""
    counts = torch.bincount(ids, minlength=vocab).double() + 1
    return counts / counts.sum()


# ---------------------------------------------------------------- model

class Dispatch(torch.autograd.Function):
    """Copy each token to its k rows, rows sorted by expert.

    Same as x[order // k]; written out because the backward pass can then
    gather instead of scatter, which is much faster on a CPU."""

    @staticmethod
    def forward(ctx, x, order, inverse, k):
        ctx.save_for_backward(inverse)
        ctx.k = k
        return x[order // k]

    @staticmethod
    def backward(ctx, grad):
        (inverse,) = ctx.saved_tensors
        return grad[inverse].view(-1, ctx.k, grad.shape[1]).sum(1), None, None, None


class Permute(torch.autograd.Function):
    """x[inverse] for a permutation; its gradient is grad[order]."""

    @staticmethod
    def forward(ctx, x, order, inverse):
        ctx.save_for_backward(order)
        return x[inverse]

    @staticmethod
    def backward(ctx, grad):
        (order,) = ctx.saved_tensors
        return grad[order], None, None


class MoE(nn.Module):
    """k of E small two-matrix experts per token, plain softmax top-k router."""

    def __init__(self, d, experts, k, hidden):
        super().__init__()
        self.k = k
        self.experts = experts
        self.router = nn.Linear(d, experts, bias=False)
        self.w_in = nn.Parameter(torch.randn(experts, d, hidden) / math.sqrt(d))
        self.w_out = nn.Parameter(torch.randn(experts, hidden, d) / math.sqrt(hidden))

    def forward(self, x):
        """x [tokens, d] -> (output [tokens, d], router logits [tokens, E])."""
        logits = self.router(x)
        top = logits.softmax(-1).topk(self.k)
        weight = top.values  # not renormalised over the k chosen

        chosen = top.indices.reshape(-1)
        order = chosen.argsort(stable=True)  # rows grouped by expert
        inverse = torch.empty_like(order)
        inverse[order] = torch.arange(order.numel())
        load = torch.bincount(chosen, minlength=self.experts).tolist()

        rows = Dispatch.apply(x, order, inverse, self.k).split(load)
        # unbind, not indexing: its gradient is one stack instead of E sums.
        y = torch.cat([F.gelu(r @ a) @ b for r, a, b in
                       zip(rows, self.w_in.unbind(0), self.w_out.unbind(0))])
        y = Permute.apply(y, order, inverse).view(-1, self.k, x.shape[1])
        return torch.bmm(weight.unsqueeze(1), y).squeeze(1), logits


class Layer(nn.Module):
    """Causal self-attention, then the MoE; both pre-normed and residual."""

    def __init__(self, d, heads, experts, k, hidden):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.RMSNorm(d)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.proj = nn.Linear(d, d, bias=False)
        self.norm2 = nn.RMSNorm(d)
        self.moe = MoE(d, experts, k, hidden)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, self.heads, -1).unbind(2)
        a = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2),
                                           v.transpose(1, 2), is_causal=True)
        x = x + self.proj(a.transpose(1, 2).reshape(b, t, d))
        y, logits = self.moe(self.norm2(x).reshape(b * t, d))
        return x + y.view(b, t, d), logits


class Model(nn.Module):
    """Causal language model with an untied output matrix."""

    def __init__(self, a, vocab, unigram):
        super().__init__()
        self.embed = nn.Embedding(vocab, a.d_model)
        self.position = nn.Embedding(a.context, a.d_model)
        self.layers = nn.ModuleList(
            Layer(a.d_model, a.heads, a.experts, a.k, a.hidden)
            for _ in range(a.layers))
        self.norm = nn.RMSNorm(a.d_model)
        self.head = nn.Linear(a.d_model, vocab)
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=0.02)
        # Embeddings start large: were they small, the part of the residual
        # stream that all tokens share would rule the routers from step one.
        nn.init.normal_(self.embed.weight, std=1.0)
        nn.init.normal_(self.position.weight, std=0.1)
        # Start from the unigram frequencies for the same reason: learning them
        # would push one shared vector through every layer.
        self.head.bias.data.copy_(unigram.log())

    def forward(self, ids):
        """ids [batch, t] -> (next-token logits, list of router logits per layer)."""
        x = self.embed(ids) + self.position.weight[:ids.shape[1]]
        router = []
        for layer in self.layers:
            x, logits = layer(x)
            router.append(logits)
        return self.head(self.norm(x)), router


# ---------------------------------------------------------------- training

def loss_of(model, window):
    """Mean next-token loss (nats) of windows [batch, context + 1]."""
    out, router = model(window[:, :-1])
    return F.cross_entropy(out.flatten(0, 1), window[:, 1:].flatten()), router


def balance_loss(router, k):
    """Switch-style balance loss, summed over layers; 1 per layer when uniform."""
    total = 0.0
    for logits in router:
        p = logits.softmax(-1)
        experts = p.shape[1]
        load = torch.bincount(p.topk(k).indices.flatten(), minlength=experts)
        total = total + experts * (load / load.sum() * p.mean(0)).sum()
    return total


@torch.no_grad()
def held_out_loss(model, ids, context, batch):
    """Mean loss over ids cut into windows of the context length."""
    n = (len(ids) - 1) // context
    windows = ids[:n * context + 1].unfold(0, context + 1, context)
    parts = windows.split(batch)
    return sum(loss_of(model, p)[0].item() * len(p) for p in parts) / n


def train(model, train_ids, held_ids, a):
    decay = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() <= 1]
    opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1},
                             {"params": plain, "weight_decay": 0.0}],
                            lr=a.lr, betas=(0.9, 0.95), fused=True)
    warmup = min(100, a.steps)
    start = time.time()
    recent = []
    for step in range(a.steps):
        done = step / a.steps
        lr = a.lr * min(1.0, (step + 1) / warmup) * \
            (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))
        for group in opt.param_groups:
            group["lr"] = lr
        at = torch.randint(len(train_ids) - a.context, (a.batch,))
        window = torch.stack([train_ids[i:i + a.context + 1] for i in at])
        loss, router = loss_of(model, window)
        recent.append(loss.item())
        if a.aux > 0:
            loss = loss + a.aux * balance_loss(router, a.k)
        opt.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if (step + 1) % a.log_every == 0 or step + 1 == a.steps:
            with torch.no_grad():
                unused = [int((load_of(r, a.k) == 0).sum()) for r in router]
            print(f"step {step + 1:5d}  train {np.mean(recent):.4f}  held-out "
                  f"{held_out_loss(model, held_ids, a.context, a.batch):.4f}  "
                  f"unused experts in batch {unused}  "
                  f"{time.time() - start:.0f} s", flush=True)
            recent = []


# ---------------------------------------------------------------- trace

def load_of(logits, k):
    """Tokens per expert of greedy top-k; a tie goes to the lower expert."""
    chosen = logits.argsort(dim=-1, descending=True, stable=True)[:, :k]
    return torch.bincount(chosen.flatten(), minlength=logits.shape[1])


@torch.no_grad()
def router_logits(model, ids, a):
    """float32 [layers, tokens, experts] of ids, one context after another."""
    chunks = [torch.stack(model(c.unsqueeze(0))[1]) for c in ids.split(a.context)]
    return torch.cat(chunks, dim=1)


def write_trace(path, logits, k, name):
    """Write float32 logits [layers, tokens, experts] as a half-precision trace."""
    layers, tokens, experts = logits.shape
    header = struct.pack("<8s6I32s", b"SPRTRACE", 1, layers, tokens, experts, k,
                         1, name.encode("ascii"))
    with open(path, "wb") as f:
        f.write(header)
        f.write(logits.numpy().astype("<f2").tobytes())


def report(path):
    """Print what the routers in a trace do; reads the file just written."""
    with open(path, "rb") as f:
        raw = f.read()
    _, _, layers, tokens, experts, k, _, _ = struct.unpack("<8s6I32s", raw[:64])
    data = np.frombuffer(raw, "<f2", offset=64).astype(np.float32)
    data = torch.from_numpy(data.reshape(layers, tokens, experts))
    print(f"trace {path}: {layers} layers, {tokens} tokens, {experts} experts, "
          f"top-{k}; entropy in nats, at most {math.log(experts):.2f}")
    for layer, logits in enumerate(data):
        load = load_of(logits, k)
        p = logits.softmax(-1)
        entropy = -(p * p.log()).sum(-1).mean().item()
        mass = p.topk(k).values.sum(-1).mean().item()
        ratio = load.max().item() * experts / (tokens * k)
        print(f"layer {layer}: max/mean load {ratio:.2f}  min load "
              f"{load.min().item()}  unused experts {int((load == 0).sum())}  "
              f"router entropy {entropy:.2f}  top-{k} mass {mass:.2f}  "
              f"logits {logits.min().item():.2f} .. {logits.max().item():.2f}")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    dirs = sorted({os.path.realpath(d) for d in glob.glob("/usr/share/perl/*/pod")})
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--text-dir", default=dirs[-1] if dirs else "/usr/share/perl/pod",
                   help="directory of .pod files (default: %(default)s)")
    p.add_argument("--out", default=os.path.join(here, "perl-doc-64.trace"))
    p.add_argument("--name", default="perl-doc-64", help="model name in the header")
    p.add_argument("--steps", type=int, default=1800)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--trace-tokens", type=int, default=8192)
    p.add_argument("--vocab", type=int, default=4096)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--d-model", type=int, default=192)
    p.add_argument("--heads", type=int, default=6)
    p.add_argument("--experts", type=int, default=64)
    p.add_argument("--k", type=int, default=8)
    p.add_argument("--hidden", type=int, default=96, help="width of one expert")
    p.add_argument("--context", type=int, default=256)
    p.add_argument("--batch", type=int, default=8, help="sequences per step")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--aux", type=float, default=0.0, help="balance loss coefficient")
    p.add_argument("--log-every", type=int, default=100)
    a = p.parse_args()

    torch.manual_seed(a.seed)
    torch.set_num_threads(a.threads)
    torch.use_deterministic_algorithms(True)

    train_texts, held_texts = read_texts(a.text_dir)
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(train_texts, vocab_size=a.vocab,
                                  show_progress=False)
    vocab = tokenizer.get_vocab_size()
    train_ids = encode(tokenizer, train_texts)
    held_ids = encode(tokenizer, held_texts)
    if len(held_ids) <= a.trace_tokens:
        raise SystemExit(f"only {len(held_ids)} held-out tokens")
    print(f"{len(train_texts)} training files, {sum(map(len, train_texts))} "
          f"characters, {len(train_ids)} tokens; held out "
          f"{[(n, len(encode(tokenizer, [t]))) for n, t in zip(HELD_OUT, held_texts)]}"
          f" tokens; vocabulary {vocab}")
    unigram = unigram_of(train_ids, vocab)
    print(f"unigram entropy: training {-unigram.log()[train_ids].mean():.4f}  "
          f"held-out {-unigram.log()[held_ids].mean():.4f} nats/token")

    model = Model(a, vocab, unigram)
    print(f"{sum(x.numel() for x in model.parameters())} parameters")
    train(model, train_ids, held_ids, a)

    model.eval()
    logits = router_logits(model, held_ids[:a.trace_tokens], a)
    write_trace(a.out, logits, a.k, a.name)
    half = logits.half().float()
    moved = (logits.topk(a.k).indices.sort(-1).values !=
             half.topk(a.k).indices.sort(-1).values).any(-1)
    print(f"rounding to half changed the top-{a.k} set of {int(moved.sum())} of "
          f"{moved.numel()} rows")
    report(a.out)


if __name__ == "__main__":
    main()
