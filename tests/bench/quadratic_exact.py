# SPDX-License-Identifier: MIT
"""Exact optima of the decode terms of H, as the oracle of the bench.

    minimise   H = - sum s[t,e] x[t,e] + sum_e m[e] u[e] + (q/2) sum_d A[d]^2,   A[d] = sum_{e on d} u[e]
    subject to sum_e x[t,e] = k,  x <= u,  A[d] <= cap,  u binary,  u[e] = 1 where some token must keep e

Given the open experts u, the best x takes every token's k best open experts, so x need not be integer and the problem
is one of choosing a set (facility location with k facilities per customer). A token's floor of its best j experts is
the same as having their union open. Three steps:

  1. local search over open/close/swap, starting from everything open: an upper bound;
  2. Lagrangian bound: with a multiplier v[t] for sum_e x = k, each expert is worth r[e] = sum_t max(0, s[t,e] - v[t])
     - m[e], each device opens its best ones; v by subgradient steps. What the bound proves is fixed: an expert whose
     forced opening (closing) costs more than the gap stays closed (open); an x with v[t] - s[t,e] above the gap is 0;
  3. what is left goes to HiGHS as a mixed integer program, A[d]^2 by its chords, which are exact at integers.

Answers carry a proven lower bound. They are cached in a file, by a hash of the instance and of the limits.
"""
import dataclasses
import hashlib
import os
import time

import highspy
import numpy as np

TIGHT = 1e-7                    # the bound is raised, and HiGHS works, until the gap is this small


class Instance:
    """affinity [T,E]; m scalar or [E]; q; device [E]; cap or None; floor: each token keeps that many of its best."""

    def __init__(self, affinity, k, m=0.0, q=0.0, devices=1, cap=None, floor=0):
        self.s = np.asarray(affinity, np.float64)
        self.tokens, self.experts = self.s.shape
        self.k, self.q, self.devices, self.floor = k, q, devices, floor
        self.m = np.broadcast_to(np.asarray(m, np.float64), self.experts)
        self.device = np.arange(self.experts) * devices // self.experts
        self.cap = self.experts if cap is None else cap
        self.forced = np.zeros(self.experts, bool)
        if floor:
            self.forced[np.argsort(-self.s, axis=1, kind="stable")[:, :floor]] = True

    def key(self):
        digest = hashlib.sha256(np.ascontiguousarray(self.s, np.float32).tobytes())
        digest.update(np.ascontiguousarray(self.m).tobytes())
        digest.update(repr((self.s.shape, self.k, self.q, self.devices, self.cap, self.floor)).encode())
        return digest.hexdigest()[:24]

    def active(self, opened):
        return np.bincount(self.device[opened], minlength=self.devices)

    def price(self, opened):
        """The part of H that depends on the open set alone."""
        return float(self.m[opened].sum() + 0.5 * self.q * (self.active(opened) ** 2).sum())

    def affinity(self, opened):
        """Affinity of every token's k best open experts."""
        values = self.s[:, opened]
        return float(np.partition(values, values.shape[1] - self.k, axis=1)[:, -self.k:].sum())

    def energy(self, opened):
        return self.price(opened) - self.affinity(opened)

    def trim(self, opened):
        """Closes what no token uses."""
        values = np.where(opened, self.s, -1.0)
        used = np.zeros(self.experts, bool)
        used[np.argpartition(-values, self.k - 1, axis=1)[:, :self.k]] = True
        return used | self.forced


def margins(instance, opened):
    """(loss [E] of closing each open expert, gain [E] of opening each closed one), in affinity."""
    values = np.where(opened, instance.s, -1.0)
    best = -np.partition(-values, instance.k, axis=1)[:, :instance.k + 1]
    best.sort(axis=1)
    spare, last = best[:, 0], best[:, 1]
    gain = np.maximum(instance.s - last[:, None], 0.0).sum(axis=0)
    loss = np.where(values >= last[:, None], instance.s - np.maximum(spare, -1.0)[:, None], 0.0).sum(axis=0)
    return loss, gain


def descend(instance, opened):
    """Best-improvement local search: close, open, then swap. Over a cap, the least loss per device closes first."""
    opened = opened.copy()
    while True:
        active = instance.active(opened)
        loss, gain = margins(instance, opened)
        level = instance.q * (active[instance.device] - 0.5)
        close = np.where(opened & ~instance.forced, loss - instance.m - level, np.inf)
        over = active > instance.cap
        if over.any():
            allowed = np.where(over[instance.device], close, np.inf)
            if not np.isfinite(allowed.min()):
                return None                                                       # the floor alone is over the cap
            opened[allowed.argmin()] = False
            continue
        full = (active >= instance.cap)[instance.device]
        opening = np.where(opened | full, np.inf, instance.m + level + instance.q - gain)
        if opened.sum() > instance.k and close.min() < -1e-12 and close.min() <= opening.min():
            opened[close.argmin()] = False
        elif opening.min() < -1e-12:
            opened[opening.argmin()] = True
        elif not swap(instance, opened, close):
            return opened


def swap(instance, opened, close, tries=12):
    """One improving swap among the cheapest closings with any opening, in place."""
    energy = instance.energy(opened)
    for out in np.argsort(close)[:tries]:
        if not np.isfinite(close[out]):
            break
        opened[out] = False
        if opened.sum() >= instance.k:
            active = instance.active(opened)
            base = np.where(opened[None, :], instance.s, -1.0)
            last = -np.partition(-base, instance.k - 1, axis=1)[:, instance.k - 1]
            gain = np.maximum(instance.s - np.maximum(last, -1.0)[:, None], 0.0).sum(axis=0)
            level = instance.q * (active[instance.device] + 0.5)
            opening = np.where(opened | (active >= instance.cap)[instance.device], np.inf, instance.m + level - gain)
            opening[out] = np.inf
            into = opening.argmin()
            opened[into] = True
            if instance.energy(opened) < energy - 1e-12:
                return True
            opened[into] = False
        opened[out] = True
    return False


def search(instance, rounds=20):
    """Local search with fixed random restarts around the best: the open set, or None when no set fits."""
    best = descend(instance, np.ones(instance.experts, bool))
    if best is None or best.sum() < instance.k:
        return None
    energy = instance.energy(best)
    rng = np.random.default_rng(1)
    for _ in range(rounds):
        kicked = best ^ (rng.random(instance.experts) < 0.1)
        kicked |= instance.forced
        if kicked.sum() <= instance.k:
            continue
        found = descend(instance, kicked)
        if found is not None and found.sum() >= instance.k and instance.energy(found) < energy - 1e-12:
            best, energy = found, instance.energy(found)
    return best


def relaxed(instance, v):
    """Lagrangian at v: (bound of H, worth of each expert, open set, load of each token). Devices are equal blocks."""
    room = instance.s - v[:, None]
    worth = np.maximum(room, 0.0).sum(axis=0) - instance.m
    blocks = worth.reshape(instance.devices, -1)
    forced = instance.forced.reshape(instance.devices, -1)
    order = np.argsort(np.where(forced, -np.inf, -blocks), axis=1, kind="stable")
    value = values_by_size(np.take_along_axis(blocks, order, axis=1), forced.sum(axis=1), instance.q, instance.cap)
    opened = np.zeros(blocks.shape, bool)
    np.put_along_axis(opened, order, np.arange(blocks.shape[1]) < value.argmax(axis=1)[:, None], axis=1)
    opened = opened.ravel()
    load = (room[:, opened] > 0).sum(axis=1)
    return -(instance.k * v.sum() + value.max(axis=1).sum()), worth, opened, load


def values_by_size(worth, must, q, cap):
    """[D,n+1] value of opening the first 0..n experts of each device; -inf below must [D] and above cap."""
    sizes = np.arange(worth.shape[1] + 1)
    value = np.concatenate([np.zeros((len(worth), 1)), worth.cumsum(axis=1)], axis=1) - 0.5 * q * sizes ** 2
    value[(sizes < np.asarray(must)[:, None]) | (sizes > cap)] = -np.inf
    return value


def penalties(instance, worth, opened):
    """By how much the Lagrangian bound rises when an expert must not be in the state it has there, [E]."""
    found = np.full(instance.experts, np.inf)
    for e in np.flatnonzero(~instance.forced):
        mine = np.flatnonzero(instance.device == instance.device[e])
        forced = instance.forced[mine]
        best = best_value(worth[mine], forced, instance)
        if opened[e]:
            rest = mine != e
            found[e] = best - best_value(worth[mine][rest], forced[rest], instance)
        else:
            found[e] = best - best_value(worth[mine], forced | (mine == e), instance)
    return found


def best_value(worth, forced, instance):
    ranked = worth[np.argsort(np.where(forced, -np.inf, -worth), kind="stable")]
    return values_by_size(ranked[None], [forced.sum()], instance.q, instance.cap).max()


def bound(instance, v, energy, steps=400):
    """Subgradient ascent of the Lagrangian bound from v towards energy: (bound, v)."""
    best, kept = -np.inf, v
    scale, stale = 1.0, 0
    for _ in range(steps):
        low, _, _, load = relaxed(instance, v)
        if low > best + 1e-9:
            best, kept, stale = low, v.copy(), 0
        else:
            stale += 1
            if stale >= 15:
                scale, stale, v = scale / 2, 0, kept.copy()
                continue
        slope = load - instance.k
        norm = float((slope * slope).sum())
        if norm == 0 or scale < 1e-4 or energy - best < TIGHT:
            break
        v = v + scale * max(energy - low, 1e-6) / norm * slope
    return best, kept


def solve(instance, limit=30.0, rounds=4):
    """An Answer; the time limit is that of HiGHS."""
    start = time.perf_counter()
    opened = search(instance, rounds)
    if opened is None:
        return Answer(np.inf, np.inf, np.zeros(instance.experts, bool), time.perf_counter() - start, "infeasible")
    energy = instance.energy(opened)
    values = np.where(opened, instance.s, -1.0)
    v = -np.partition(-values, instance.k - 1, axis=1)[:, instance.k - 1]
    low, v = bound(instance, v, energy)
    step = "bound"
    if energy - low > TIGHT:
        low, worth, at, _ = relaxed(instance, v)
        gap = energy - low + 1e-9
        fixed = penalties(instance, worth, at) > gap
        candidate = (v[:, None] - instance.s <= gap) & ~(fixed & ~at)
        step = "highs"
        found, low = integer_program(instance, fixed, at, candidate, opened, limit, low)
        if found is not None and instance.energy(found) < energy:
            opened, energy = found, instance.energy(found)
    return Answer(energy, min(low, energy), opened, time.perf_counter() - start, step)


@dataclasses.dataclass
class Answer:
    """energy and open set found, proven lower bound of every feasible H, seconds taken, step that ended the search
    (infeasible: no open set keeps the limits)."""
    energy: float
    bound: float
    open: np.ndarray
    seconds: float
    step: str

    @property
    def proven(self):
        return self.step == "infeasible" or self.energy - self.bound <= 1e-6 * max(1.0, abs(self.energy))


class Cache:
    """Answers by instance, in a tab-separated file that grows. With path None nothing is kept between runs."""

    def __init__(self, path, limit=30.0):
        self.path, self.limit, self.known = path, limit, {}
        if path and os.path.exists(path):
            with open(path, encoding="ascii") as file:
                for line in file:
                    key, energy, low, opened, seconds, step = line.rstrip("\n").split("\t")
                    opened = np.array([c == "1" for c in opened])
                    self.known[key] = Answer(float(energy), float(low), opened, float(seconds), step)

    def solve(self, instance):
        return self.get(f"{instance.key()}-{self.limit:g}", lambda: solve(instance, self.limit))

    def get(self, key, compute):
        """The Answer under that key, or what compute() returns."""
        if key not in self.known:
            self.known[key] = compute()
            self.write(key, self.known[key])
        return self.known[key]

    def write(self, key, a):
        if self.path:
            opened = "".join("01"[int(c)] for c in a.open)
            with open(self.path, "a", encoding="ascii") as file:
                file.write(f"{key}\t{float(a.energy)!r}\t{float(a.bound)!r}\t{opened}\t{a.seconds:.4f}\t{a.step}\n")

    def least_cap(self, affinity, k, devices, target, most):
        """(smallest cap on the active experts of each device at which the best table keeps at least target, whether
        that is proved). most is a cap that is known to be enough."""
        low, proven = -(-k // devices) - 1, True
        while most - low > 1:
            middle = (low + most) // 2
            answer = self.solve(Instance(affinity, k, devices=devices, cap=middle))
            if -answer.energy >= target - 1e-9:
                most = middle
            else:
                low = middle
                proven &= -answer.bound < target - 1e-9 or answer.step == "infeasible"
        return most, proven


def integer_program(instance, fixed, at, candidate, start, limit, low):
    """HiGHS on what is left: (open set or None, proven bound). Variables: u of experts not fixed closed, x of the
    candidates, A and its cost per device."""
    experts = np.flatnonzero(~(fixed & ~at))
    token, expert = np.nonzero(candidate)
    nu, nx, nd = len(experts), len(token), instance.devices
    column = np.full(instance.experts, -1)
    column[experts] = np.arange(nu)
    ua, xa, aa, ya = 0, nu, nu + nx, nu + nx + nd
    n = ya + nd
    cost = np.concatenate([instance.m[experts], -instance.s[token, expert], np.zeros(nd), np.ones(nd)])
    lower = np.zeros(n)
    upper = np.ones(n)
    lower[:nu] = fixed[experts]
    upper[aa:ya] = np.minimum(instance.cap, instance.experts)
    upper[ya:] = highspy.kHighsInf
    rows = Rows()
    for t in range(instance.tokens):
        mine = xa + np.flatnonzero(token == t)
        rows.add(mine, np.ones(len(mine)), instance.k, instance.k)
    for i in np.flatnonzero(~fixed[expert]):
        rows.add([xa + i, column[expert[i]]], [1.0, -1.0], -highspy.kHighsInf, 0.0)
    for d in range(nd):
        mine = ua + np.flatnonzero(instance.device[experts] == d)
        rows.add(np.append(mine, aa + d), np.append(np.ones(len(mine)), -1.0), 0.0, 0.0)
        for j in range(min(len(mine), instance.cap) + 1) if instance.q else ():
            rows.add([ya + d, aa + d], [1.0, -0.5 * instance.q * (2 * j + 1)], -0.5 * instance.q * j * (j + 1),
                     highspy.kHighsInf)
    integer = np.zeros(n, np.int32)
    integer[:nu] = 1
    integer[aa:ya] = 1
    highs = rows.model(cost, lower, upper, integer)
    highs.setOptionValue("time_limit", float(limit))
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.setOptionValue("mip_abs_gap", TIGHT / 2)
    first = highspy.HighsSolution()
    first.col_value = list(starting_point(instance, start, experts, token, expert))
    highs.setSolution(first)
    highs.run()
    info = highs.getInfo()
    low = max(low, info.mip_dual_bound)
    values = highs.getSolution().col_value
    if len(values) != n or info.primal_solution_status != 2:
        return None, low
    opened = np.zeros(instance.experts, bool)
    opened[experts] = np.array(values[:nu]) > 0.5
    return (opened if opened.sum() >= instance.k else None), low


def starting_point(instance, opened, experts, token, expert):
    """Values of all variables for an open set."""
    values = np.where(opened, instance.s, -1.0)
    chosen = np.zeros_like(instance.s)
    np.put_along_axis(chosen, np.argpartition(-values, instance.k - 1, axis=1)[:, :instance.k], 1.0, axis=1)
    active = instance.active(opened)
    return np.concatenate([opened[experts].astype(float), chosen[token, expert], active,
                           0.5 * instance.q * active.astype(float) ** 2])


class Rows:
    """Rows of a linear program as they are collected."""

    def __init__(self):
        self.start, self.index, self.value, self.lower, self.upper = [0], [], [], [], []

    def add(self, index, value, lower, upper):
        self.index.extend(int(i) for i in index)
        self.value.extend(float(v) for v in value)
        self.start.append(len(self.index))
        self.lower.append(lower)
        self.upper.append(upper)

    def model(self, cost, lower, upper, integer):
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("threads", 1)
        model = highspy.HighsModel()
        lp = model.lp_
        lp.num_col_, lp.num_row_ = len(cost), len(self.lower)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, lower, upper
        lp.row_lower_, lp.row_upper_ = np.array(self.lower, float), np.array(self.upper, float)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(self.start)
        lp.a_matrix_.index_ = np.array(self.index)
        lp.a_matrix_.value_ = np.array(self.value)
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[i] for i in integer]
        highs.passModel(model)
        return highs
