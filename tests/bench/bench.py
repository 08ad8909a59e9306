#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speed and quality of Spinroute against its peers and the exact optimum, side by side in one run, one thread each.

In each round ours runs, then the peer, on the same input; the inputs rotate; the figures are medians over all calls.
Ours is timed inside C (loop.c), a torch peer from Python around the call, so that it carries the cost of its own
dispatch, some microseconds: that is what a host pays, and it decides the smallest cases. ratio = ours / peer: below 1,
ours takes less.

Ours returns every array of the routing table; softmax+topk returns ids and weights, the balancing peers ids alone. Kept
affinity is the sum of s over the routes left after dropping what exceeds capacity, over the exact optimum; s is the
float32 softmax, summed in float64, the same for all. The run fails when ours breaks a promise: see check.py.
"""
import argparse
import faulthandler
import os
import platform
import time

import numpy as np
import ortools
import torch

import check
import exact
import inputs
import peers
import quality
from spinroute_ctypes import Calls, Library, Plan

#        tokens experts k  inputs                       capacity factors    balancing peers
CASES = [(4096,  64, 8, ("trace", "zipf", "topics"), (1.0, 1.1, 1.25), True),
         (4096, 256, 8, ("zipf", "topics"),          (1.0, 1.1, 1.25), True),
         (8192, 128, 8, ("zipf", "topics"),          (1.0, 1.1, 1.25), True),
         (256,  128, 8, ("zipf", "topics"),          (1.0, 1.1, 1.25), True),
         (32,   128, 8, ("zipf", "topics"),          (1.0, 1.1, 1.25), True),
         (1,    256, 8, ("zipf",),                   (1.0,),           False),    # one token: never over capacity
         (4096,   8, 2, ("zipf", "topics"),          (1.0, 1.1, 1.25), True),
         (4096,  64, 1, ("zipf", "topics"),          (1.0,),           True)]     # BASE as published
LARGE = {(4096, 256), (8192, 128)}                                                # left out by --quick


def median_us(nanoseconds):
    return float(np.median(nanoseconds)) / 1e3


def race(calls, peer, seconds):
    """Times ours and peer(i) in turn on the same inputs for about that long; returns medians in microseconds."""
    count = len(calls.inputs)
    calls.run(0, count)                                                           # warm-up, and first prices
    for i in range(2):
        start = time.perf_counter_ns()
        peer(i)
        peer_time = time.perf_counter_ns() - start
    pair = peer_time + float(np.median(calls.run(0, count)))
    n = int(min(max(2e6 / pair, 1), 256))                                         # calls per round: 2 ms when small
    rounds = int(min(max(seconds * 1e9 / (pair * n), 3), 1000))
    ours, theirs = [], []
    for r in range(rounds):
        first = r * n % count
        ours.append(calls.run(first, n))
        for i in range(first, first + n):
            i %= count
            start = time.perf_counter_ns()
            peer(i)
            theirs.append(time.perf_counter_ns() - start)
    return median_us(np.concatenate(ours)), median_us(theirs)


class Report:
    """The table, on standard output as it grows, and the file."""

    def __init__(self, path, machine):
        self.file = open(path, "w", encoding="ascii")
        self.case = None
        print(machine)
        self.file.write(f"# {machine}\ncase\tmetric\tours\tpeer\tratio\n")

    def row(self, case, metric, ours, peer, digits=4):
        ratio = f"{ours / peer:.3g}" if peer else "-"
        if case != self.case:
            print(f"\n{case:58}{'ours':>12}{'peer':>12}{'ratio':>10}")
            self.case = case
        print(f"  {metric:56}{ours:12.{digits}g}{peer:12.{digits}g}{ratio:>10}", flush=True)
        self.file.write(f"{case}\t{metric}\t{ours:.{digits}g}\t{peer:.{digits}g}\t{ratio}\n")
        self.file.flush()


def machine_line(library):
    cpu = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), cpu)
    return (f"{cpu}, {os.cpu_count()} cores, one thread used; {platform.system()} {platform.machine()}; spinroute "
            f"{library.version}, torch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()}), numpy "
            f"{np.__version__}, ortools {ortools.__version__}; times in us, ratio = ours / peer")


def balancing_peers(torch_inputs, k, capacity, factor):
    """name -> function of the input's number, for the peers that can do this shape."""
    tokens, experts = torch_inputs[0].shape
    found = {"sinkhorn": lambda i: peers.sinkhorn(torch_inputs[i], k)}
    if capacity < tokens and k < experts:
        for steps in 1, 16:
            found[f"quantile-{steps}"] = lambda i, n=steps: peers.quantile_balancing(torch_inputs[i], k, capacity, n)
    if factor == 1.0 and tokens % experts == 0:
        found["base"] = lambda i: peers.base(torch_inputs[i], k)
    return found


def carried(case_inputs, torch_inputs, k, capacity):
    """Quantile balancing with prices carried from input to input of a stream, as a function of the input's number."""
    prices = {stream: torch.zeros(torch_inputs[0].shape[1]) for stream, _ in case_inputs}

    def peer(i):
        stream = case_inputs[i][0]
        ids, prices[stream] = peers.quantile_carried(torch_inputs[i], k, capacity, prices[stream])
        return ids
    return peer


def bench_plain(case, library, report, case_inputs, torch_inputs, k, seconds):
    """Selection alone, and the table of a plain router."""
    tokens, experts = case_inputs[0][1].shape
    options = f"experts={experts} k={k}"
    select = Calls(Plan(library, options, "olmoe"), case_inputs, k, "select")
    ours, theirs = race(select, lambda i: peers.topk(torch_inputs[i], k), seconds)
    report.row(case, "time: select, torch.topk", ours, theirs)
    route = Calls(Plan(library, options, "olmoe"), case_inputs, k, "route")
    route.certify(False)
    ours, theirs = race(route, lambda i: peers.softmax_topk(torch_inputs[i], k), seconds)
    report.row(case, "time: plain table, softmax+topk", ours, theirs)
    for i, x in enumerate(torch_inputs):
        affinity = quality.softmax(case_inputs[i][1])
        check.selection(f"{case} select, input {i}", select.arrays[i]["ids"], peers.topk(x, k).numpy(), affinity)
        check.table(f"{case} plain, input {i}", route.arrays[i], affinity)
    select.close()
    route.close()


def bench_balanced(case, library, report, case_inputs, torch_inputs, k, factor, seconds, with_peers, judged):
    """The balanced router, cold and warm: times, then quality on the first `judged` inputs."""
    tokens, experts = case_inputs[0][1].shape
    case = f"{case} cf{factor:g}"
    options = f"experts={experts} k={k} score=softmax capacity_factor={factor} overflow=reroute"
    cold = Calls(Plan(library, options + " start=cold"), case_inputs, k, "route")
    warm = Calls(Plan(library, options + " start=warm"), case_inputs, k, "route")
    for calls in cold, warm:
        calls.certify(False)
    capacity = check.capacity(case, cold.plan.capacity(tokens), tokens, experts, k, factor)

    plain = lambda i: peers.softmax_topk(torch_inputs[i], k)
    others = balancing_peers(torch_inputs, k, capacity, factor) if with_peers else {}
    cold_time, theirs = race(cold, plain, seconds)
    report.row(case, "time: cold, softmax+topk", cold_time, theirs)
    for name, peer in others.items():
        report.row(case, f"time: cold, {name}", *race(cold, peer, seconds / 2))
    report.row(case, "time: warm, softmax+topk", *race(warm, plain, seconds))
    if "quantile-1" in others:
        kept_prices = carried(case_inputs, torch_inputs, k, capacity)
        report.row(case, "time: warm, quantile-carried", *race(warm, kept_prices, seconds / 2))

    # The certificate: greedy's affinity, the bound at the swept and at the repaired prices.
    for calls in cold, warm:
        calls.certify(True)
    report.row(case, "time: cold with statistics, softmax+topk", *race(cold, plain, seconds / 2))
    report.row(case, "time: warm with statistics, softmax+topk", *race(warm, plain, seconds / 2))

    # Quality. Warm tables and carried prices: after at least two passes, the previous input was always another one.
    methods = {"cold": lambda i: cold.arrays[i]["ids"], "warm": lambda i: warm.arrays[i]["ids"],
               "topk": lambda i: plain(i)[0].numpy()}
    methods.update((name, lambda i, peer=peer: peer(i).numpy()) for name, peer in others.items())
    if "quantile-1" in others:
        for i in 2 * list(range(len(case_inputs))):
            kept_prices(i)
        methods["quantile-carried"] = lambda i: kept_prices(i).numpy()
    found = {name: [] for name in methods}
    gaps = {"cold": [], "warm": []}
    flow_times = []
    for i in range(min(judged, len(case_inputs))):
        affinity = quality.softmax(case_inputs[i][1])
        ids, optimum, flow_time = exact.solve(affinity, k, capacity)
        check.balanced(case + " exact", ids, capacity, experts)
        flow_times.append(flow_time)
        for name, method in methods.items():
            kept, overflow, load = quality.measure(method(i), affinity, capacity)
            check.below(case, name, kept, optimum, exact.rounding_bound(tokens, k))
            found[name].append((kept / optimum, overflow, load))
        for name, calls in ("cold", cold), ("warm", warm):
            label = f"{case} {name}, input {i}"
            check.table(label, calls.arrays[i], affinity)
            check.balanced(label, calls.arrays[i]["ids"], capacity, experts)
            true = 1.0 - found[name][-1][0]
            certified = calls.statistics[i].gap
            check.certificate(label, certified, true, affinity, calls.scores(i), optimum,
                              exact.rounding_bound(tokens, k), k)
            gaps[name].append((certified, true))

    report.row(case, "time: cold, min-cost flow", cold_time, 1e6 * float(np.median(flow_times)))
    for ours in "cold", "warm":
        rivals = ["topk", *others] if ours == "cold" else [name for name in methods if name == "quantile-carried"]
        mine = np.mean(found[ours], axis=0)
        report.row(case, f"kept affinity / exact: {ours}, exact", mine[0], 1.0, 8)
        for name in rivals:
            report.row(case, f"kept affinity / exact: {ours}, {name}", mine[0], np.mean(found[name], axis=0)[0], 8)
        for name in rivals:
            report.row(case, f"overflow fraction: {ours}, {name}", mine[1], np.mean(found[name], axis=0)[1])
        for name in rivals:
            report.row(case, f"max load / mean: {ours}, {name}", mine[2], np.mean(found[name], axis=0)[2])
        certified, true = np.max(gaps[ours], axis=0)
        report.row(case, f"largest gap, {ours}: certified, true", certified, true)
    cold.close()
    warm.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", required=True, help="the shared library")
    parser.add_argument("--trace", help="trace of real router logits, 64 experts; left out when there is none")
    parser.add_argument("--out", required=True, help="table as tab-separated values; loop.c is built beside it")
    parser.add_argument("--cases", default="", help="only cases with one of these comma-separated texts in their name, "
                        "for example 4096x64,topics")
    parser.add_argument("--quick", action="store_true", help="small cases, few rounds")
    arguments = parser.parse_args()

    faulthandler.dump_traceback_later(1200, exit=True)                            # a call that never returns
    torch.set_num_threads(1)
    library = Library(arguments.library, os.path.dirname(arguments.out) or ".")
    report = Report(arguments.out, machine_line(library))
    seconds, judged = (0.08, 1) if arguments.quick else (0.5, 2)
    wanted = [text for text in arguments.cases.split(",") if text] or [""]
    traced = None
    if arguments.trace and os.path.exists(arguments.trace):
        traced, traced_k = inputs.read_trace(arguments.trace)
    else:
        print("no trace: cases on real router logits are left out")

    with torch.inference_mode():
        for tokens, experts, k, kinds, factors, with_peers in CASES:
            if arguments.quick and (tokens, experts) in LARGE:
                continue
            for seed, kind in enumerate(kinds):
                case = f"{tokens}x{experts} k{k} {kind}"
                if not any(text in case for text in wanted):
                    continue
                if kind == "trace":
                    if traced is None:
                        continue
                    if (experts, k) != (traced.shape[2], traced_k):
                        raise SystemExit(f"{arguments.trace}: {traced.shape[2]} experts, top-{traced_k}")
                    case_inputs = inputs.trace(traced, tokens)
                else:
                    case_inputs = getattr(inputs, kind)(tokens, experts, seed)
                torch_inputs = [torch.from_numpy(logits) for _, logits in case_inputs]
                bench_plain(case, library, report, case_inputs, torch_inputs, k, seconds)
                for factor in factors[:1] if arguments.quick else factors:
                    bench_balanced(case, library, report, case_inputs, torch_inputs, k, factor, seconds, with_peers,
                                   judged)
    raise SystemExit(check.summary())


if __name__ == "__main__":
    main()
