# SPDX-License-Identifier: MIT
"""Benchmark instances as QUBO problems to minimise, in the standard library alone: the shared sets, and generated ones.

Every set becomes E(x) = offset + sum_i linear[i] x[i] + sum_k values[k] x[rows[k]] x[columns[k]], rows < columns, all
integers (QPLIB: whole numbers too), with E = the objective where the set minimises and minus the objective where it
maximises. So `best`, the best known energy, has the same sign, or is None. What the sets mean, from their MANIFEST.tsv:

  bqp                 maximise sum_ij q_ij x_i x_j, q symmetric: a listed off-diagonal value counts twice; 1-based
  be, gka             the same form, to minimise
  Gset, K2000,        maximum cut: E(x) = - weight of the cut; best known value is a cut; 1-based
  rudy_biqmac
  QPLIB               1/2 sum of the listed q_ij x_i x_j, + b'x + c, 1-based, each file says whether to maximise. Each
                      entry counts half, off-diagonal ones as well: only so is QPLIB_5922 bqp500.2, and only so is any
                      of the listed best values the maximum

Generated, where no file is needed: the dense instances of G. Palubeckis (pN.k, and "palu-n-density-seed" of any size),
complete graphs of weights +-1 ("complete-n-seed"), and random graphs ("random-n-edges-seed", weights 1, or +-1 with a
trailing "s"), and "uniform-n-permille-seed": the law of bqp, integers -100..100 with that density.
"""
import gzip
import os
from array import array

# name: (n, density in percent, seed of the generator, best known of the maximum). Values: the metadata of
# github rliang/qubo-benchmark-instances.
PALUBECKIS = {
    "p3000.1": (3000, 50, 31000, 3931583), "p3000.2": (3000, 80, 32000, 5193073),
    "p3000.3": (3000, 80, 33000, 5111533), "p3000.4": (3000, 100, 34000, 5761822),
    "p3000.5": (3000, 100, 35000, 5675625), "p4000.1": (4000, 50, 41000, 6181830),
    "p4000.2": (4000, 80, 42000, 7801355), "p4000.3": (4000, 80, 43000, 7741685),
    "p4000.4": (4000, 100, 44000, 8711822), "p4000.5": (4000, 100, 45000, 8908979),
    "p5000.1": (5000, 50, 51000, 8559680), "p5000.2": (5000, 80, 52000, 10836019),
    "p5000.3": (5000, 80, 53000, 10489137), "p5000.4": (5000, 100, 54000, 12252318),
    "p5000.5": (5000, 100, 55000, 12731803), "p6000.1": (6000, 50, 61000, 11384976),
    "p6000.2": (6000, 80, 62000, 14333855), "p6000.3": (6000, 100, 64000, 16132915),
    "p7000.1": (7000, 50, 71000, 14478676), "p7000.2": (7000, 80, 72000, 18249948),
    "p7000.3": (7000, 100, 74000, 20446407),
}
SETS = ("bqp", "be", "gka", "Gset", "K2000", "QPLIB", "rudy_biqmac")
# Column of the best known value in MANIFEST.tsv, and what it is multiplied by to become an energy.
BEST = {"bqp": ("best_known", -1), "be": ("best_known", 1), "gka": ("best_known", 1), "Gset": ("best_known_cut", -1),
        "K2000": ("best_known_cut", -1), "QPLIB": ("best_known", -1), "rudy_biqmac": ("optimum_as_listed", -1)}


class Instance:
    """A QUBO to minimise. text and format: what the library's reader of that name can read, or None."""

    def __init__(self, name, group, n, linear, rows, columns, values, offset, best=None, text=None, format=None):
        self.name, self.group, self.n = name, group, n
        self.linear, self.rows, self.columns, self.values, self.offset = linear, rows, columns, values, offset
        self.best, self.text, self.format = best, text, format

    def density(self):
        return 2.0 * len(self.rows) / max(1, self.n * (self.n - 1))

    def energy(self, bits):
        """From the definition; slow, exact while all sums are below 2^53."""
        total = self.offset + sum(w for w, x in zip(self.linear, bits) if x)
        return total + sum(w for i, j, w in zip(self.rows, self.columns, self.values) if bits[i] and bits[j])


def collect(n, entries):
    """linear, rows, columns, values from (i, j, value) entries: i == j is linear, the same pair is added up."""
    linear, pairs = array("d", bytes(8 * n)), {}
    for i, j, value in entries:
        if i == j:
            linear[i] += value
        else:
            key = i * n + j if i < j else j * n + i
            pairs[key] = pairs.get(key, 0) + value
    keys = sorted(key for key, value in pairs.items() if value != 0)
    return (linear, array("i", [key // n for key in keys]), array("i", [key % n for key in keys]),
            array("d", [pairs[key] for key in keys]))


def cut(n, edges):
    """E(x) = - cut: every edge adds - w x_i - w x_j + 2 w x_i x_j."""
    for i, j, w in edges:
        yield i, i, -w
        yield j, j, -w
        yield i, j, 2 * w


def triples(text):
    """n, and the entries (i, j, value) of a text that begins with "n entries", 1-based to 0-based."""
    lines = text.split("\n")
    n, count = (int(word) for word in lines[0].split()[:2])
    found = []
    for line in lines[1:]:
        words = line.split()
        if words:
            found.append((int(words[0]) - 1, int(words[1]) - 1, int(words[2]) if len(words) > 2 else 1))
    if len(found) != count:
        raise ValueError(f"{len(found)} entries, {count} promised")
    return n, found


def read_bqp(text, sign):
    n, found = triples(text)
    return (n, *collect(n, ((i, j, sign * (v if i == j else 2 * v)) for i, j, v in found)), 0.0)


def read_cut(text):
    n, found = triples(text)
    return (n, *collect(n, cut(n, found)), 0.0)


def read_qplib(text):
    """Box-constrained binary instances: objective only."""
    lines = [line.split("#")[0].split() for line in text.split("\n")]
    lines = [words for words in lines if words]
    kind, sense, n, terms = lines[1][0], lines[2][0], int(lines[3][0]), int(lines[4][0])
    if kind[1:] not in ("BB", "BN"):
        raise ValueError("not an unconstrained binary problem: " + kind)
    sign = {"maximize": -1.0, "minimize": 1.0}[sense]
    entries, at = [], 5
    for words in lines[at:at + terms]:
        i, j, value = int(words[0]) - 1, int(words[1]) - 1, float(words[2])
        entries.append((i, j, sign * 0.5 * value))
    at += terms
    default, others = float(lines[at][0]), int(lines[at + 1][0])
    linear = [default] * n
    for words in lines[at + 2:at + 2 + others]:
        linear[int(words[0]) - 1] = float(words[1])
    offset = sign * float(lines[at + 2 + others][0])
    entries.extend((i, i, sign * value) for i, value in enumerate(linear))
    return (n, *collect(n, entries), offset)


# ---------------------------------------------------------------------------------------------------------- generated

class Uniform:
    """Multiplier 16807 modulo 2^31-1, as in the published generator."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = self.state * 16807 % 2147483647
        return self.state / 2147483648.0


def palubeckis(n, density, seed):
    """Maximised there: so the energy is the negative, couplings twice."""
    draw, linear, rows, columns, values = Uniform(seed).next, array("d"), array("i"), array("i"), array("d")
    for i in range(n):
        linear.append(-float((draw() * 201 - 100) // 1))
        for j in range(i + 1, n):
            if draw() * 100 <= density:
                value = (draw() * 201 - 100) // 1
                if value != 0:
                    rows.append(i)
                    columns.append(j)
                    values.append(-2.0 * value)
    return n, linear, rows, columns, values, 0.0


def uniform(n, permille, seed):
    """The law of bqp: every entry is there with that probability, integers -100..100, an off-diagonal one twice."""
    draw, entries = Uniform(seed).next, []
    for i in range(n):
        for j in range(i, n):
            if draw() * 1000 < permille:
                value = int(draw() * 201) - 100
                entries.append((i, j, -value if i == j else -2 * value))
    return (n, *collect(n, entries), 0.0)


def complete(n, seed):
    draw = Uniform(seed).next
    return (n, *collect(n, cut(n, ((i, j, 1 if draw() < 0.5 else -1) for i in range(n) for j in range(i)))), 0.0)


def random_graph(n, edges, seed, signed):
    draw, found = Uniform(seed).next, {}
    while len(found) < edges:
        i, j = int(draw() * n), int(draw() * n)
        if i != j and (min(i, j), max(i, j)) not in found:
            found[min(i, j), max(i, j)] = (1 if draw() < 0.5 else -1) if signed else 1
    return (n, *collect(n, cut(n, ((i, j, w) for (i, j), w in found.items()))), 0.0)


def generate(name):
    """An instance by its name, or None when no generator knows it."""
    if name in PALUBECKIS:
        n, density, seed, best = PALUBECKIS[name]
        return Instance(name, "palubeckis", *palubeckis(n, density, seed), best=-best)
    kind, *numbers = name.split("-")
    makers = {"palu": lambda n, d, s: palubeckis(int(n), int(d), int(s)),
              "uniform": lambda n, d, s: uniform(int(n), int(d), int(s)),
              "complete": lambda n, s: complete(int(n), int(s)),
              "random": lambda n, e, s: random_graph(int(n), int(e), int(s.rstrip("s")), s.endswith("s"))}
    if kind not in makers:
        return None
    return Instance(name, "generated", *makers[kind](*numbers))


# -------------------------------------------------------------------------------------------------------------- files

def manifest(folder):
    """{file: {column: text}} of a MANIFEST.tsv; empty when there is none."""
    path = os.path.join(folder, "MANIFEST.tsv")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="ascii") as file:
        lines = [line.rstrip("\n").split("\t") for line in file if line.strip() and not line.startswith("#")]
    return {line[0]: dict(zip(lines[0], line)) for line in lines[1:]}


def short(file):
    """Name of an instance from its file: bqp1000.1, be100.1, G1, K2000, QPLIB_3506."""
    if file.startswith("WK2000"):
        return "K2000"
    for end in ".txt", ".sparse", ".qplib":
        file = file[:-len(end)] if file.endswith(end) else file
    return file


class Shelf:
    """All instances that can be had here, by name; made when asked for. Generated big ones are kept in cache."""

    def __init__(self, data, cache=None):
        self.cache, self.files, self.missing = cache, {}, []
        for group in SETS:
            found = manifest(os.path.join(data, group)) if data else {}
            for file, row in found.items():
                path = os.path.join(data, group, file)
                path = path if os.path.exists(path) else path + ".gz"
                if os.path.exists(path):
                    column, sign = BEST[group]
                    best = row.get(column, "")
                    self.files[short(file)] = (group, path, sign * float(best) if best else None)
            if not found:
                self.missing.append(group)

    def names(self):
        return list(self.files) + list(PALUBECKIS)

    def group(self, name):
        return self.files[name][0] if name in self.files else "palubeckis" if name in PALUBECKIS else "generated"

    def get(self, name):
        """The instance, or None when its file is not here."""
        if name not in self.files:
            return self.generated(name)
        group, path, best = self.files[name]
        with gzip.open(path, "rt", encoding="ascii") if path.endswith(".gz") else open(path, encoding="ascii") as file:
            text = file.read()
        if group == "QPLIB":
            return Instance(name, group, *read_qplib(text), best=best, text=text, format="qplib")
        if group in ("bqp", "be", "gka"):
            kind = "bqp" if group == "bqp" else "biqmac"
            return Instance(name, group, *read_bqp(text, -1 if group == "bqp" else 1), best=best, text=text, format=kind)
        return Instance(name, group, *read_cut(text), best=best, text=text, format="rudy")

    def generated(self, name):
        path = os.path.join(self.cache, name + ".qubo") if self.cache else None
        if path and os.path.exists(path):
            with open(path, "rb") as file:
                n, count = array("q", file.read(16))
                linear, rows, columns, values = array("d"), array("i"), array("i"), array("d")
                for what, size in (linear, n), (rows, count), (columns, count), (values, count):
                    what.fromfile(file, size)
            best = -PALUBECKIS[name][3] if name in PALUBECKIS else None
            return Instance(name, self.group(name), n, linear, rows, columns, values, 0.0, best=best)
        made = generate(name)
        if made and path:
            os.makedirs(self.cache, exist_ok=True)
            with open(path + ".new", "wb") as file:
                array("q", [made.n, len(made.rows)]).tofile(file)
                for what in made.linear, made.rows, made.columns, made.values:
                    what.tofile(file)
            os.replace(path + ".new", path)
        return made
