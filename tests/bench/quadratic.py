#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Quality and speed of the quadratic terms: active experts in decode, touched devices in prefill, and the lowered QUBO.

Four parts, each beside the rules it competes with and beside the proven optimum or bound where there is one:

  objective  decode batches under an activation price, a price on active experts squared per device, a cap, and a price
             with a quality floor. Gap to the exact optimum of greedy top-k, of OEA at each setting k0, and of ours at
             several efforts (option anneal_moves).
  joint      for each batch and each k0: the fewest active experts on the busiest of 8 devices, and the fewest in all,
             with which ours keeps at least OEA's affinity (by the option active_limit, one call per limit), OEA's own
             number, and the fewest that any table needs, which is the limit for everyone.
  prefill    8 devices, at most M of them per token, capacity factor 1.0: group-limited top-k with drops against ours.
             "matched" adds a price on touched devices until ours touches no more than what the drops left of theirs.
             Beside it the optimum (small batches, HiGHS) or an upper bound of the affinity any table keeps.
  qubo       D-Wave's simulated annealer on the lowered QUBO: the seconds of sampling of its best run, without building
             and preprocessing, against the time ours needs, from logits to table, to be at least as good.

Kept affinity is relative to plain top-k. s is the float32 softmax, summed in float64, the same for all. Ours is timed
inside C (loop.c), the median over the batches; the peers are the torch form of the rule, timed from Python. One thread.
Everything but the times is deterministic, given the library.

The run fails when ours breaks a promise: a table whose energy is not the one in its statistics, that breaks a limit and
does not say so, exceeds a capacity, or beats a proven bound (then one of the two is wrong).
"""
import argparse
import faulthandler
import os
import time

import numpy as np
import torch

import inputs
import quadratic_ctypes
import quadratic_exact
import quadratic_exact_touch
import quadratic_inputs
import quadratic_peers as peers
from spinroute_ctypes import Library

DEVICES = 8
STRONGEST = "group-limited, drops by probability"
EFFORTS = (0, 200, 2000, 20000)
PRICES = (0.05, 0.1)            # activation weight per 64 tokens of the batch: the optimum keeps about 98 and 95 %


class Report:
    """Lines on standard output in columns, and every figure in the file: part, case, method, metric, value."""

    def __init__(self, path):
        self.file = open(path, "w", encoding="ascii")
        self.file.write("part\tcase\tmethod\tmetric\tvalue\n")
        self.head = None
        self.failures = []

    def check(self, good, text):
        if not good:
            self.failures.append(text)
            self.note("FAILED: " + text)

    def line(self, part, case, method, **metrics):
        head = (part, case, tuple(metrics))
        if head != self.head:
            names = "".join(f"{name.replace('_', ' '):>15}" for name in metrics)
            print(f"\n{part + ': ' + case:<58}{names}")
            self.head = head
        values = "".join(f"{value:>15}" if isinstance(value, str) else f"{value:>15.6g}" for value in metrics.values())
        print(f"  {method:<56}{values}", flush=True)
        for name, value in metrics.items():
            text = value if isinstance(value, str) else f"{value:.9g}"
            self.file.write(f"{part}\t{case}\t{method}\t{name}\t{text}\n")
        self.file.flush()

    def note(self, text):
        print(text, flush=True)
        self.file.write(f"# {text}\n")


class Source:
    """Batches of one router: a trace, the GPT-OSS routes, or synthetic logits."""

    def __init__(self, name, experts, k, decode, prefill=None):
        self.name, self.experts, self.k, self.decode, self.prefill = name, experts, k, decode, prefill


def sources(arguments, report):
    found = []
    for name, shape in ("perl-doc-128", (128, 8)), ("perl-doc-64", (64, 8)), ("perl-doc-32", (32, 4)):
        path = os.path.join(arguments.traces, name + ".trace")
        if not os.path.exists(path):
            report.note(f"{name}.trace: skipped, no such file; synthetic logits of that shape instead")
            found.append(Source(f"synthetic-{shape[0]}", *shape, lambda b, n, e=shape[0]:
                                quadratic_inputs.synthetic(b, e, n), None))
            continue
        traced, k = inputs.read_trace(path)
        if (traced.shape[2], k) != shape:
            raise SystemExit(f"{path}: {traced.shape[2]} experts, top-{k}")
        found.append(Source(name, *shape, lambda b, n, x=traced: quadratic_inputs.decode(x, b, n),
                            lambda t, n, x=traced: quadratic_inputs.prefill(x, min(t, x.shape[1]), n)))
    if arguments.gptoss and os.path.exists(os.path.join(arguments.gptoss, "ids.u8")):
        routes = quadratic_inputs.Gptoss(arguments.gptoss)
        report.note("GPT-OSS: " + quadratic_inputs.GPTOSS_MODEL)
        found.append(Source("gpt-oss-20b", quadratic_inputs.GPTOSS_EXPERTS, quadratic_inputs.GPTOSS_K, routes.decode,
                            lambda t, n: routes.decode(256, n)))
    else:
        report.note("GPT-OSS routes: skipped, no such folder")
    return found


def microseconds(calls, least=200):
    """Median time of a call over at least that many, without statistics."""
    calls.certify(False)
    count = len(calls.inputs)
    calls.run(0, count)
    times = calls.run(0, max(count, least))
    calls.certify(True)
    calls.run(0, count)
    return float(np.median(times)) / 1e3


def peer_microseconds(function, batches):
    """Median time of function(logits) over the batches, after one round."""
    tensors = [torch.from_numpy(logits) for _, logits in batches]
    times = []
    for turn in range(2):
        for x in tensors:
            start = time.perf_counter_ns()
            function(x)
            if turn:
                times.append(time.perf_counter_ns() - start)
    return float(np.median(times)) / 1e3


def options(source, text):
    return f"experts={source.experts} k={source.k} {text}"


def kept_ratio(ids, s, k):
    return peers.kept(ids, s) / peers.kept(peers.greedy(s, k), s)


# ----------------------------------------------------------------------------------------------------------- objective

class Setting:
    """One form of the decode objective: the same for the oracle, the measure and the library."""

    def __init__(self, name, m=0.0, q=0.0, devices=1, cap=None, floor=0):
        self.name, self.m, self.q, self.devices, self.cap, self.floor = name, m, q, devices, cap, floor

    def text(self, moves):
        text = f"activation_weight={self.m!r} active_level_weight={self.q!r} keep_top={self.floor} anneal_moves={moves}"
        return text + (f" devices={self.devices}" if self.devices > 1 else "") + (
            f" active_limit={self.cap}" if self.cap else "")

    def instance(self, s, k):
        return quadratic_exact.Instance(s, k, self.m, self.q, self.devices, self.cap, self.floor)

    def energy(self, ids, s):
        return peers.objective(ids, s, self.m, self.q, self.devices)

    def broken(self, ids, s):
        """Does the table exceed the cap, lack routes, or miss an expert of the floor?"""
        level = peers.active(ids, s.shape[1], self.devices)
        best = peers.greedy(s, self.floor) if self.floor else np.empty((len(s), 0), int)
        return bool((ids < 0).any() or (self.cap and level.max() > self.cap)
                    or not all(np.isin(best[t], ids[t]).all() for t in range(len(s))))


def settings(batch, experts):
    scale = batch / 64.0
    found = [Setting(f"price {p * scale:g}", m=p * scale) for p in PRICES]
    return found + [Setting(f"price {0.02 * scale:g} + level {0.004 * scale:g} on 8", m=0.02 * scale, q=0.004 * scale,
                            devices=DEVICES),
                    Setting(f"cap {experts // 16} on 8", devices=DEVICES, cap=experts // 16),
                    Setting(f"price {PRICES[1] * scale:g}, floor 2", m=PRICES[1] * scale, floor=2)]


def gaps(setting, tables, affinities, answers):
    """Relative gaps of H to the optimum; inf for a table that breaks the setting."""
    return [np.inf if setting.broken(ids, s) else (setting.energy(ids, s) - a.energy) / abs(a.energy)
            for ids, s, a in zip(tables, affinities, answers)]


def objective_line(report, case, method, setting, tables, affinities, answers, k, microsecond):
    found = gaps(setting, tables, affinities, answers)
    valid = np.isfinite(found)
    some = valid.any()
    report.line("objective", case, method,
                gap_mean_pct=round(100 * float(np.mean(np.array(found)[valid])), 6) + 0.0 if some else "-",
                gap_max_pct=round(100 * float(np.max(np.array(found)[valid])), 6) + 0.0 if some else "-",
                broken=int((~valid).sum()),
                active=float(np.mean([peers.active(i, s.shape[1]).sum() for i, s in zip(tables, affinities)])),
                busiest=float(np.mean([peers.active(i, s.shape[1], DEVICES).max() for i, s in
                                       zip(tables, affinities)])),
                kept=float(np.mean([kept_ratio(i, s, k) for i, s in zip(tables, affinities)])),
                us=microsecond)


def check_decode(report, text, setting, ids, s, answer, statistics):
    energy, tolerance = setting.energy(ids, s), 1e-6 * ids.size
    excess = 0
    if setting.cap:
        excess = int(np.maximum(peers.active(ids, s.shape[1], setting.devices) - setting.cap, 0).sum())
    report.check(abs(energy - statistics.energy) <= tolerance, f"{text}: H {energy!r}, told {statistics.energy!r}")
    report.check(excess == statistics.limit_excess, f"{text}: over the cap by {excess}, told {statistics.limit_excess}")
    if not setting.cap:                                                           # else the start may be over the cap
        report.check(statistics.start_energy >= energy - tolerance, f"{text}: worse than its start")
    report.check(excess or energy >= answer.bound - tolerance, f"{text}: H {energy!r} below bound {answer.bound!r}")


def objective(report, library, cache, source, batch, count):
    """Part one, for one batch size."""
    batches = source.decode(batch, count)
    affinities = [quadratic_inputs.affinity(logits) for _, logits in batches]
    k = source.k
    rivals = [("greedy top-k", [peers.greedy(s, k) for s in affinities],
               peer_microseconds(lambda x: peers.greedy_torch(x, k), batches))]
    for keep in range(1, k):
        rivals.append((f"OEA k0={keep}", [peers.oea(s, k, keep) for s in affinities],
                       peer_microseconds(lambda x, keep=keep: peers.oea_torch(x, k, keep), batches)))
    for setting in settings(batch, source.experts):
        case = f"{source.name} B={batch} {setting.name}"
        answers = [cache.solve(setting.instance(s, k)) for s in affinities]
        if any(a.step == "infeasible" for a in answers):
            report.note(f"{case}: skipped, infeasible")
            continue
        exact = [peers.within(s, a.open, k) for s, a in zip(affinities, answers)]
        proven = sum(a.proven for a in answers)
        objective_line(report, case, f"exact ({proven} of {len(answers)} proved)", setting, exact, affinities, answers,
                       k, 1e6 * float(np.median([a.seconds for a in answers])))
        for name, tables, microsecond in rivals:
            objective_line(report, case, name, setting, tables, affinities, answers, k, microsecond)
        for moves in EFFORTS:
            calls = quadratic_ctypes.QuadraticCalls(library, options(source, setting.text(moves)), batches, k)
            microsecond = microseconds(calls)
            tables = [calls.ids(i) for i in range(len(batches))]
            for i, s in enumerate(affinities):
                check_decode(report, f"{case}, {moves} moves, batch {i}", setting, tables[i], s, answers[i],
                             calls.statistics[i])
            calls.close()
            objective_line(report, case, f"ours, {moves} moves", setting, tables, affinities, answers, k, microsecond)


# --------------------------------------------------------------------------------------------------------------- joint

def kept_by_cap(library, source, batches, affinities, devices, moves):
    """([caps+1, batches] kept affinity of ours at each cap, -inf where a cap is not kept; microseconds per call)."""
    size = source.experts // devices
    kept = np.full((size + 1, len(batches)), -np.inf)
    times = []
    for cap in range(-(-source.k // devices), size + 1):
        text = f"active_limit={cap} anneal_moves={moves}" + (f" devices={devices}" if devices > 1 else "")
        calls = quadratic_ctypes.QuadraticCalls(library, options(source, text), batches, source.k)
        times.append(calls.run(0, len(batches)))
        for i, s in enumerate(affinities):
            ids = calls.ids(i)
            if (ids >= 0).all() and peers.active(ids, source.experts, devices).max() <= cap:
                kept[cap, i] = peers.kept(ids, s)
        calls.close()
    return kept, float(np.median(np.concatenate(times))) / 1e3


def least(kept, target):
    """Smallest cap with at least that much kept affinity, or one more than the largest."""
    enough = np.flatnonzero(kept >= target - 1e-9)
    return int(enough[0]) if len(enough) else len(kept)


def joint(report, library, cache, source, batch, count, moves=2000):
    """Part two, for one batch size."""
    batches = source.decode(batch, count)
    affinities = [quadratic_inputs.affinity(logits) for _, logits in batches]
    k = source.k
    for devices, name in (DEVICES, "busiest of 8"), (1, "all active"):
        kept, microsecond = kept_by_cap(library, source, batches, affinities, devices, moves)
        case = f"{source.name} B={batch} {name}"
        everything = []
        for keep in range(1, k):
            rows = []
            for i, s in enumerate(affinities):
                ids = peers.oea(s, k, keep)
                theirs = int(peers.active(ids, source.experts, devices).max())
                if (ids < 0).any():                                               # fewer active experts than k
                    continue
                target = peers.kept(ids, s)
                best, proven = cache.least_cap(s, k, devices, target, theirs)
                rows.append((kept_ratio(ids, s, k), theirs, least(kept[:, i], target), best, proven))
            everything += rows
            joint_line(report, case, f"OEA k0={keep}", rows, microsecond)
        joint_line(report, case, "OEA, mean of all k0", everything, microsecond)


def joint_line(report, case, method, rows, microsecond):
    """Means over the batches (where OEA leaves no token without its k experts)."""
    if not rows:
        return
    kept, theirs, ours, best, proven = np.array(rows, float).T
    report.line("joint", case, method, kept=kept.mean(), theirs=theirs.mean(), ours=ours.mean(), optimum=best.mean(),
                ours_fewer_pct=100 * (1 - (ours / theirs).mean()), best_fewer_pct=100 * (1 - (best / theirs).mean()),
                ours_more_in=int((ours > theirs).sum()), proved=f"{int(proven.sum())} of {len(proven)}", us=microsecond)


# ------------------------------------------------------------------------------------------------------------- prefill

def prefill_ours(library, source, item, limit, touch=0.0):
    """(ids, limit excess as told, microseconds)."""
    text = f"devices={DEVICES} device_limit={limit} capacity_factor=1.0 overflow=reroute device_touch_weight={touch!r}"
    calls = quadratic_ctypes.QuadraticCalls(library, options(source, text), [item], source.k)
    nanoseconds = [calls.run(0, 1)[0] for _ in range(2)]
    ids = calls.ids(0).copy()
    excess = calls.statistics[0].limit_excess
    calls.close()
    return ids, excess, float(min(nanoseconds)) / 1e3


def matched(library, source, item, limit, most, steps=10):
    """Ours with the smallest price on touched devices, of a bisection, at which it touches at most `most` per token."""
    low, high, found = 0.0, 0.4, None
    for _ in range(steps):
        price = (low + high) / 2
        ids, _, microsecond = prefill_ours(library, source, item, limit, price)
        if peers.touches(ids, source.experts, DEVICES).mean() <= most:
            high, found = price, (ids, microsecond)
        else:
            low = price
    return found


def prefill_bound(cache, s, k, capacity, limit, known):
    """Upper bound of the affinity that any table keeps: the optimum of HiGHS when small, prices when not."""
    key = quadratic_exact_touch.key(s, k, DEVICES, capacity, limit)
    if len(s) <= 32:
        return -cache.get(key, lambda: quadratic_exact_touch.solve(s, k, DEVICES, capacity, limit)).bound

    def compute():
        start = time.perf_counter()
        best = quadratic_exact_touch.kept_bound(s, k, DEVICES, capacity, limit, known)
        return quadratic_exact.Answer(-known, -best, np.zeros(1, bool), time.perf_counter() - start, "prices")
    return -cache.get(key, compute).bound


def prefill_rows(report, library, cache, source, item, limit):
    """method -> (kept affinity, devices touched before drops, after, tokens over the limit, dropped fraction, overflow,
    microseconds)."""
    s = quadratic_inputs.affinity(item[1])
    tokens, experts = s.shape
    capacity = -(-tokens * source.k // experts)
    plain = peers.kept(peers.greedy(s, source.k), s)
    selected = peers.group_limited(s, source.k, DEVICES, limit)

    def row(ids, before, microsecond=float("nan")):
        return (peers.kept(ids, s) / plain, peers.touches(before, experts, DEVICES).mean(),
                peers.touches(ids, experts, DEVICES).mean(), (peers.touches(ids, experts, DEVICES) > limit).sum(),
                (ids < 0).mean(), peers.overflow(ids, experts, capacity),
                microsecond)
    rows = {}
    for order in "probability", "position":
        kept = peers.drop(selected, s, capacity, order)
        rows[f"group-limited, drops by {order}"] = row(kept, selected)
    ids, told, microsecond = prefill_ours(library, source, item, limit)
    rows["ours"] = row(ids, ids, microsecond)
    known = peers.kept(ids, s)
    excess = int(np.maximum(peers.touches(ids, experts, DEVICES) - limit, 0).sum())
    left = rows[STRONGEST][2]
    if rows["ours"][2] > left:
        found = matched(library, source, item, limit, left)
        if found:
            rows["ours, matched"] = row(found[0], *found)
    nan = float("nan")
    most = prefill_bound(cache, s, source.k, capacity, limit, known)
    text = f"{source.name} T={tokens} M={limit}"
    report.check(peers.overflow(ids, experts, capacity) == 0, f"{text}: over capacity")
    report.check(excess == told, f"{text}: over the device limit by {excess}, told {told}")
    report.check(excess or known <= most + 1e-6 * ids.size, f"{text}: keeps {known!r}, more than the bound {most!r}")
    rows["bound"] = (most / plain, nan, nan, nan, nan, nan, nan)
    return rows


def prefill(report, library, cache, source, tokens, items):
    """Part three, for one number of tokens."""
    for limit in 2, 3, 4:
        if limit * (source.experts // DEVICES) < source.k:
            continue
        collected = {}
        for item in items:
            for method, values in prefill_rows(report, library, cache, source, item, limit).items():
                collected.setdefault(method, []).append(values)
        theirs = np.array(collected[STRONGEST])[:, 0]
        collected["bound"] = collected.pop("bound")                               # last
        for method, values in collected.items():
            values = np.array(values)
            if len(values) < len(items):
                method += f" ({len(values)} of {len(items)} inputs)"
            ratio = (values[:, 0] / theirs).mean() if len(values) == len(items) else float("nan")
            kept, before, after, broken, dropped, overflow, microsecond = values.mean(axis=0)
            report.line("prefill", f"{source.name} T={tokens} M={limit}", method, kept=kept, over_theirs=ratio,
                        before_drops=before, touched=after, over_limit=broken, dropped=dropped, overflow=overflow,
                        us=microsecond)


# ---------------------------------------------------------------------------------------------------------------- qubo

def schedules(report):
    """(name, arguments of the sampler). "auto" leaves the temperatures to D-Wave's heuristic; "wide" runs from the
    largest constraint weight down to a thousandth of a typical affinity."""
    wide = (0.1 / max(report.largest_weight, 1e-3), 1000.0)
    return [(f"{kind} {sweeps} sweeps", {"num_sweeps": sweeps, "beta_range": temperatures})
            for kind, temperatures in (("auto", None), ("wide", wide)) for sweeps in (100, 1000, 10000)]


def dwave_best(lowering, reads):
    """(best energy, seconds of sampling of the run that found it, its schedule, its state), of all runs."""
    import dimod
    from dwave.samplers import SimulatedAnnealingSampler
    linear, rows, columns, values, offset = lowering.read()
    model = dimod.BinaryQuadraticModel.from_numpy_vectors(linear, (rows, columns, values), offset, "BINARY")
    sampler, best = SimulatedAnnealingSampler(), None
    for name, settings_ in schedules(lowering.report):
        for seed in range(reads):
            samples = sampler.sample(model, num_reads=1, seed=seed + 1, **settings_)
            bits = np.zeros(len(linear), np.uint8)
            bits[np.array(samples.variables)] = samples.record.sample[0]
            energy = lowering.energy(bits)
            if best is None or energy < best[0]:
                best = energy, samples.info["timing"]["sampling_ns"] / 1e9, name, bits
    return best


def qubo(report, library, case, source, text, item, kernelise, reads):
    """Part four, for one batch: D-Wave on the QUBO, ours on the batch, energies of both on the QUBO."""
    routed = {}
    for moves in EFFORTS:
        calls = quadratic_ctypes.QuadraticCalls(library, options(source, f"{text} anneal_moves={moves}"), [item],
                                                source.k)
        routed[moves] = microseconds(calls, 50), calls.ids(0).copy()
        if moves != EFFORTS[-1]:
            calls.close()
    lowering = quadratic_ctypes.Lowering(calls, 0, kernelise=kernelise)
    size = f"{lowering.report.variables} variables, {lowering.report.couplings} couplings"
    if lowering.report.couplings == 0:
        report.note(f"qubo: {case}: the kernel fixes everything, nothing is left to anneal")
        lowering.close()
        calls.close()
        return
    energy, seconds, schedule, bits = dwave_best(lowering, reads)
    report.line("qubo", f"{case}, {size}", f"D-Wave, {schedule}", energy=energy, H_repaired=lowering.decode(bits)[1],
                us=1e6 * seconds, sooner="-")
    for moves, (microsecond, ids) in routed.items():
        try:
            ours = lowering.energy(lowering.encode(ids))
        except RuntimeError:                                                      # worse than what the kernel keeps
            ours = float("nan")
        reached = ours <= energy + 1e-9
        report.line("qubo", f"{case}, {size}", f"ours, {moves} moves", energy=ours, H_repaired=ours, us=microsecond,
                    sooner=1e6 * seconds / microsecond if reached else "not reached")
    lowering.close()
    calls.close()


def qubo_cases(report, library, by_experts, quick):
    if not quadratic_ctypes.has_lowering(library):
        report.note("qubo: skipped, the library has no spr_lower")
        return
    price = "activation_weight={:g}".format
    cases = [(32, 16, price(0.0125), ""), (128, 16, price(0.0125), ""), (128, 64, price(0.05), ""),
             (128, 16, "active_level_weight=0.00125 devices=8", ""),
             (64, 16, "devices=8 device_limit=3 capacity_factor=1.0", ""),
             (64, 32, "devices=8 device_touch_weight=0.02 capacity_factor=1.0", "")]
    for experts, batch, text, _ in cases[:1] if quick else cases:
        if experts not in by_experts:
            continue
        source = by_experts[experts]
        item = source.decode(batch, 1)[0]
        for kernelise in 0, 1:
            case = f"{source.name} B={batch} {text}" + (", kernelised" if kernelise else "")
            qubo(report, library, case, source, text, item, kernelise, 1 if quick else 3)


# ---------------------------------------------------------------------------------------------------------------- main

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--library", required=True, help="the shared library")
    parser.add_argument("--out", required=True, help="every figure as tab-separated values; loop.c is built beside it")
    parser.add_argument("--traces", default=os.path.join(here, "../../examples/trace"), help="folder of the traces")
    parser.add_argument("--gptoss", default=os.path.join(here, "../../../shared/data/gptoss20b-routes"),
                        help="folder of the GPT-OSS-20B routes")
    parser.add_argument("--exact", help="file that keeps optima between runs; default: beside --out")
    parser.add_argument("--parts", default="objective,joint,prefill,qubo", help="which parts")
    parser.add_argument("--sources", default="", help="only sources with one of these comma-separated texts in it")
    parser.add_argument("--quick", action="store_true", help="small cases, few batches")
    arguments = parser.parse_args()

    faulthandler.dump_traceback_later(3600, exit=True)                            # a call that never returns
    torch.set_num_threads(1)
    directory = os.path.dirname(arguments.out) or "."
    library = Library(arguments.library, directory)
    report = Report(arguments.out)
    cache = quadratic_exact.Cache(arguments.exact or os.path.join(directory, "bench-exact.tsv"))
    wanted = arguments.sources.split(",")
    found = [source for source in sources(arguments, report) if any(text in source.name for text in wanted)]
    parts, quick = arguments.parts.split(","), arguments.quick

    with torch.inference_mode():
        for source in found if "objective" in parts else ():
            for batch in (16,) if quick else (16, 64, 256):
                count = 8 if quick else 100 if (batch, source.experts) == (64, 128) else 24
                objective(report, library, cache, source, batch, count)
        for source in found if "joint" in parts else ():
            for batch in (16,) if quick else (16, 64):
                joint(report, library, cache, source, batch, 6 if quick else 40)
        for source in found if "prefill" in parts else ():
            for tokens in (16,) if quick else (16, 32):
                prefill(report, library, cache, source, tokens, source.decode(tokens, 2 if quick else 8))
            if source.prefill and not quick:
                items = source.prefill(4096, 4)
                prefill(report, library, cache, source, len(items[0][1]), items)
        if "qubo" in parts:
            by_experts = {source.experts: source for source in reversed(found)}
            qubo_cases(report, library, by_experts, quick)
    raise SystemExit(f"{len(report.failures)} checks failed" if report.failures else 0)


if __name__ == "__main__":
    main()
