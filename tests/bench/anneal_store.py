# SPDX-License-Identifier: MIT
"""Runs that were made are kept, one line each, so that a bench may be stopped, continued and made in parts.

A file per solver and instance in the folder; lines of JSON: version (of the peer's package, or a digest of our library),
setting, seed, limit, target, trace [[seconds, energy], ...] and busy, the share of the wall time that the processor
worked for us. Only appended to; several processes may, on different instances.
"""
import hashlib
import importlib.metadata
import json
import os
import time


def library_version(path):
    with open(path, "rb") as file:
        return hashlib.sha1(file.read()).hexdigest()[:12]


def package_version(name):
    return name + " " + importlib.metadata.version(name)


class Store:
    def __init__(self, folder):
        self.folder, self.lines = folder, {}

    def path(self, solver, instance):
        return os.path.join(self.folder, solver, instance + ".jsonl")

    def read(self, solver, instance):
        key = (solver, instance)
        if key not in self.lines:
            self.lines[key] = []
            if os.path.exists(self.path(*key)):
                with open(self.path(*key), encoding="ascii") as file:
                    self.lines[key] = [json.loads(line) for line in file if line.endswith("}\n")]
        return self.lines[key]

    def find(self, solver, instance, exact_limit=False, limit=0.0, least_busy=0.0, **fields):
        """The newest line with these fields. Unless exact_limit, a run with a longer limit will do as well."""
        for line in reversed(self.read(solver, instance)):
            if all(line.get(name) == value for name, value in fields.items()) and line.get("busy", 1) >= least_busy:
                if line["limit"] == limit or not exact_limit and line["limit"] > limit:
                    return line
        return None

    def add(self, solver, instance, line):
        self.read(solver, instance).append(line)
        os.makedirs(os.path.dirname(self.path(solver, instance)), exist_ok=True)
        with open(self.path(solver, instance), "a", encoding="ascii") as file:
            file.write(json.dumps(line) + "\n")
        return line


def measured(run):
    """(what run() returns, share of the wall time that was processor time)."""
    wall, processor = time.perf_counter(), time.process_time()
    answer = run()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return answer, round(processor / max(wall, 1e-9), 3)
