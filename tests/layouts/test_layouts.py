# SPDX-License-Identifier: MIT
"""Random tables through every spr_layout_* of the shared library, each output element compared with statements.py.

usage: test_layouts.py LIBRARY [SEED [CASES]]      e.g.  python3 tests/layouts/test_layouts.py build/libspinroute.so
"""

import ctypes
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import statements

I32, I64, U8, F32 = ctypes.c_int32, ctypes.c_int64, ctypes.c_uint8, ctypes.c_float
CANARIES = 8
FRESH = {I32: -1234567, I64: -1234567890123, U8: 0xA5, F32: -12345.5}


class Error(ctypes.Structure):
    _fields_ = [("status", I32), ("message", ctypes.c_char * 508)]


class Failure(Exception):
    pass


class Output:
    """A buffer with canaries behind it. Before the call every element, canary or not, holds the same odd value."""

    def __init__(self, kind, count):
        self.kind, self.count = kind, count
        self.buffer = (kind * (count + CANARIES))(*([FRESH[kind]] * (count + CANARIES)))

    def expect(self, name, expected):
        got = list(self.buffer)
        if got[self.count:] != [FRESH[self.kind]] * CANARIES:
            raise Failure("%s: written behind its end" % name)
        if got[:self.count] != expected:
            i = next((i for i, pair in enumerate(zip(got, expected)) if pair[0] != pair[1]), len(expected))
            raise Failure("%s[%d]: got %s, expected %s" % (name, i, got[i:i + 1], expected[i:i + 1]))


def flat(rows):
    return [value for row in rows for value in row]


def single(value):
    return F32(value).value


def given(kind, values):
    return (kind * len(values))(*values) if values else None


class Table:
    """A random routing table: any size, unused experts, slots without expert anywhere in a row."""

    def __init__(self, rng):
        self.tokens = rng.choice([0, 1, 2, 3, rng.randint(0, 12), rng.randint(0, 12), rng.randint(0, 60)])
        self.experts = rng.choice([1, 2, 3, 4, 6, 8, 12, 16, 24, 60, 64, rng.randint(1, 130)])
        self.k = rng.choice([1, 2, 4, 8, rng.randint(1, 8), min(64, self.experts)])
        if self.tokens * self.k > 400:
            self.tokens = 400 // self.k
        used = rng.sample(range(self.experts), rng.choice([self.experts, rng.randint(1, self.experts)]))
        hole = rng.choice([0.0, 0.0, 0.2, 0.9, 1.0])
        self.ids, self.weights = [], []
        for _ in range(self.tokens):
            row = rng.sample(used, min(self.k, len(used)))
            row += [-1] * (self.k - len(row))
            if rng.random() < 0.3:
                rng.shuffle(row)
            self.ids.append([-1 if rng.random() < hole else expert for expert in row])
            self.weights.append([single(rng.choice([rng.random(), rng.random(), rng.random() ** 20, 0.0]))
                                 for _ in row])
        self.flat_ids = flat(self.ids)
        self.c_ids = given(I32, self.flat_ids)
        self.c_weights = given(F32, flat(self.weights))

    def shape(self):
        return I64(self.tokens), I64(self.k), I64(self.experts)

    def __str__(self):
        return "tokens %d, k %d, experts %d" % (self.tokens, self.k, self.experts)


def divisor(rng, number):
    return rng.choice([d for d in range(1, number + 1) if number % d == 0])


def call(library, name, *arguments):
    error = Error(1, b"not written")
    status = getattr(library, name)(*arguments, ctypes.byref(error))
    if status != 0 or error.status != 0 or error.message != b"":
        raise Failure("%s returned %d: %s" % (name, status, error.message.decode()))


def check_blocks(library, rng, table):
    block = rng.choice([1, 2, 4, 16, 64, 128, rng.randint(1, 128)])
    expert_map = None
    if rng.random() < 0.5:
        local = rng.sample(range(table.experts), rng.randint(0, table.experts))
        expert_map = [local.index(e) if e in local else -1 for e in range(table.experts)]
    sorted_size = table.tokens * table.k + table.experts * (block - 1)
    sorted_size += rng.choice([0, -sorted_size % block, rng.randint(0, 3 * block)])
    blocks_size = (sorted_size + block - 1) // block + rng.choice([0, 0, rng.randint(1, 5)])
    ordered, owners, padded = Output(I32, sorted_size), Output(I32, blocks_size), Output(I32, 1)
    call(library, "spr_layout_blocks", table.c_ids, *table.shape(), I64(block),
         None if expert_map is None else given(I32, expert_map), ordered.buffer, I64(sorted_size), owners.buffer,
         I64(blocks_size), padded.buffer)
    expected = statements.blocks(table.ids, table.experts, block, expert_map, sorted_size, blocks_size)
    ordered.expect("sorted", expected[0])
    owners.expect("block_experts", expected[1])
    padded.expect("padded", [expected[2]])


def check_dispatch(library, rng, table):
    ranks = divisor(rng, table.experts)
    nodes = divisor(rng, ranks)
    per_rank, per_node = Output(I32, ranks), Output(I32, nodes)
    per_expert, in_rank = Output(I32, table.experts), Output(U8, table.tokens * ranks)
    wants_nodes = rng.random() < 0.8
    call(library, "spr_layout_dispatch", table.c_ids, *table.shape(), I64(ranks), I64(nodes), per_rank.buffer,
         per_node.buffer if wants_nodes else None, per_expert.buffer, in_rank.buffer)
    expected = statements.dispatch(table.ids, table.experts, ranks, nodes)
    per_rank.expect("tokens_per_rank", expected[0])
    per_node.expect("tokens_per_node", expected[1] if wants_nodes else [FRESH[I32]] * nodes)
    per_expert.expect("tokens_per_expert", expected[2])
    in_rank.expect("token_in_rank", flat(expected[3]))


def check_dense(library, rng, table):
    wants = rng.choice(["both", "map", "dense"])
    routing_map, dense = Output(U8, table.tokens * table.experts), Output(F32, table.tokens * table.experts)
    call(library, "spr_layout_dense", table.c_ids,
         None if wants == "map" and rng.random() < 0.5 else table.c_weights, *table.shape(),
         None if wants == "dense" else routing_map.buffer, None if wants == "map" else dense.buffer)
    expected = statements.dense(table.ids, table.weights, table.experts)
    size = table.tokens * table.experts
    routing_map.expect("map", [FRESH[U8]] * size if wants == "dense" else flat(expected[0]))
    dense.expect("dense", [FRESH[F32]] * size if wants == "map" else flat(expected[1]))


def check_log_weights(library, rng, table):
    logs = Output(F32, table.tokens * table.experts)
    call(library, "spr_layout_log_weights", table.c_ids, table.c_weights, *table.shape(), logs.buffer)
    expected = statements.log_weights(table.ids, table.weights, table.experts)
    logs.expect("log_weights", [single(value) for value in flat(expected)])
    for t in range(table.tokens):
        wanted = {e: w for e, w in zip(table.ids[t], table.weights[t]) if e >= 0 and w > 0.0}
        if not wanted:
            continue
        row = list(logs.buffer[t * table.experts:(t + 1) * table.experts])
        combine = statements.softmax_top_k(row, min(table.k, table.experts))
        for e in set(wanted) | set(combine):
            if abs(combine.get(e, 0.0) - wanted.get(e, 0.0) / sum(wanted.values())) > 1e-6:
                raise Failure("softmax of log_weights, token %d, expert %d: got %r, expected %r of %r"
                              % (t, e, combine.get(e), wanted.get(e), wanted))


def check_permutation(library, rng, table):
    ranks = divisor(rng, table.experts)
    expected = statements.permutation(table.ids, table.experts, ranks)
    count = len(expected[0])
    size = rng.choice([count, table.tokens * table.k, count + rng.randint(0, 5)])
    ordered, per_expert = Output(I64, size), Output(I64, table.experts)
    splits, routes = Output(I64, ranks), Output(I64, 1)
    call(library, "spr_layout_permutation", table.c_ids, *table.shape(), I64(ranks), ordered.buffer, I64(size),
         per_expert.buffer, splits.buffer, routes.buffer)
    ordered.expect("sorted_indices", expected[0] + [FRESH[I64]] * (size - count))
    per_expert.expect("tokens_per_expert", expected[1])
    splits.expect("input_splits", expected[2])
    routes.expect("routes", [count])


def check_slots(library, rng, table):
    slot_order = rng.choice([0, 1])
    expected = statements.slots(table.ids, table.weights, table.k, table.experts, slot_order)
    capacity = max(1, max(expected[3])) + rng.choice([0, 0, rng.randint(0, 9)])
    size = table.tokens * table.k
    indices, locations, gates = Output(I32, size), Output(I32, size), Output(F32, size)
    counts = Output(I32, table.experts)
    call(library, "spr_layout_slots", table.c_ids, table.c_weights, *table.shape(), I64(capacity), I32(slot_order),
         indices.buffer, locations.buffer, gates.buffer, counts.buffer)
    indices.expect("indices", flat(expected[0]))
    locations.expect("locations", flat(expected[1]))
    gates.expect("gates", flat(expected[2]))
    counts.expect("counts", expected[3])


CHECKS = [check_blocks, check_dispatch, check_dense, check_log_weights, check_permutation, check_slots]


def main():
    library = ctypes.CDLL(os.path.abspath(sys.argv[1]))
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    cases = int(sys.argv[3]) if len(sys.argv) > 3 else 2500
    passed = failed = 0
    for check in CHECKS:
        for case in range(cases):
            rng = random.Random("%s %d %d" % (check.__name__, seed, case))
            table = Table(rng)
            try:
                check(library, rng, table)
                passed += 1
            except Failure as failure:
                failed += 1
                if failed <= 10:
                    print("%s, seed %d, case %d (%s): %s" % (check.__name__, seed, case, table, failure))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
