# SPDX-License-Identifier: MIT
# Spinroute. No configure step: make, make check, make install. The targets explain themselves with make help.
#
# Yours to set: CC CFLAGS CPPFLAGS LDFLAGS DESTDIR prefix libdir includedir, WITH_LAPACKE=1, and B, the folder everything is
# built in.

CFLAGS ?= -O2 -g
prefix ?= /usr/local
libdir ?= $(prefix)/lib
includedir ?= $(prefix)/include
B ?= build

# ----------------------------------------------------------------------------------------------------------- version

# The header is the only place where the version is written.
number = $(shell sed -n 's/^.define SPR_$(1) \([0-9][0-9]*\)$$/\1/p' include/spinroute.h)
ABI := $(call number,ABI)
MAJOR := $(call number,VERSION_MAJOR)
MINOR := $(call number,VERSION_MINOR)
PATCH := $(call number,VERSION_PATCH)
VERSION := $(MAJOR).$(MINOR).$(PATCH)
ifneq ($(words $(ABI) $(MAJOR) $(MINOR) $(PATCH)),4)
$(error include/spinroute.h: no version or ABI number found)
endif

# ------------------------------------------------------------------------------------------------------------- flags

# Ours come first, so that yours win. A release must not abort: assertions live in the sanitizer builds only.
NDEBUG = -DNDEBUG
WARNINGS = -Wall -Wextra -Wshadow -pedantic
# make WITH_LAPACKE=1: the bound "spectral", by the system's LAPACKE. Without, nothing but libc and libm is needed.
ifeq ($(WITH_LAPACKE),1)
LAPACKE_FLAGS := -DSPR_WITH_LAPACKE $(shell pkg-config --cflags lapacke)
LAPACKE_LIBS := $(shell pkg-config --libs lapacke)
LAPACKE_NAME := lapacke
endif
OURS = -std=c11 -fPIC -fvisibility=hidden -Iinclude $(WARNINGS) $(LAPACKE_FLAGS)
COMPILE = $(CC) $(OURS) $(EXTRA) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
LINK = $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

# Objects of different flags never meet: their folder is named after the flags.
FLAGS = $(CC) $(OURS) $(CPPFLAGS) $(CFLAGS) $(NDEBUG) $(LDFLAGS)
O := $(B)/obj/$(firstword $(shell printf '%s' '$(subst ','\'',$(FLAGS))' | cksum))

# ----------------------------------------------------------------------------------------------------------- sources

LIB := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard lib/*/*.c lib/*/*/*.c)))
UNIT := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard tests/unit/*.c)))
TRACE := $(O)/examples/trace/trace.o
DEMO := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard examples/demo_*.c)))
SOLVE := $(patsubst %.c,$(O)/%.o,$(sort $(wildcard examples/solve_file_*.c)))
EXAMPLES := $(patsubst examples/%.c,$(B)/%,$(sort $(filter-out examples/demo_% examples/solve_file_%,\
    $(wildcard examples/*.c))))
TESTS := $(patsubst %,$(B)/%,property terms quadratic presolve lower lower_states torture hotpath digest conform fuzz-replay)
HEADERS := include/spinroute/qubo.h include/spinroute/lower.h include/spinroute/backend.h
STATIC := $(B)/libspinroute.a
SHARED := $(B)/libspinroute.so
REAL := $(SHARED).$(VERSION)
LOGITS := examples/trace/perl-doc-64.trace

# ------------------------------------------------------------------------------------------------------------- build

## all: static and shared library and spinroute.pc in build/ (the default)
all: $(STATIC) $(SHARED) $(B)/spinroute.pc

# Rewritten when the flags change, so that the libraries follow them.
$(B)/flags: force
	@mkdir -p $(B)
	@echo '$(O)' | cmp -s - $@ || echo '$(O)' >$@

$(LIB): EXTRA = $(NDEBUG) -Wconversion
$(UNIT): EXTRA = -std=gnu11 -DGOLDEN_DIR='"tests/golden"' $(shell pkg-config --cflags check 2>/dev/null)
$(O)/examples/%.o: EXTRA = -Iexamples/trace -pthread
$(O)/tests/%.o: EXTRA = -Iexamples/trace -pthread -std=gnu11

$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE)

# The archive is made anew: q keeps objects of equal base names apart.
$(STATIC): $(LIB) $(B)/flags
	rm -f $@
	$(AR) qcs $@ $(LIB)

$(REAL): $(LIB) lib/spinroute.map $(B)/flags
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libspinroute.so.$(ABI) -Wl,-z,defs \
	    -Wl,--version-script=lib/spinroute.map -o $@ $(LIB) $(LAPACKE_LIBS) -lm

$(SHARED): $(REAL)
	ln -sf $(notdir $(REAL)) $(SHARED).$(ABI)
	ln -sf libspinroute.so.$(ABI) $@

# Always written, because prefix and libdir may have changed; touched only when they have.
$(B)/spinroute.pc: pkgconfig/spinroute.pc.in force
	@mkdir -p $(B)
	@sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(patsubst $(prefix)/%,$${prefix}/%,$(libdir))|' \
	    -e 's|@includedir@|$(patsubst $(prefix)/%,$${prefix}/%,$(includedir))|' -e 's|@version@|$(VERSION)|' \
	    -e 's|@requires@|$(LAPACKE_NAME)|' -e '/: $$/d' $< >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

## examples: the programs of examples/, in build/
examples: $(EXAMPLES)

$(B)/property: $(O)/tests/property/property.o
$(B)/quadratic: $(O)/tests/property/quadratic.o
$(B)/terms: $(O)/tests/property/terms.o
$(B)/presolve: $(O)/tests/property/presolve.o
$(B)/lower: $(O)/tests/property/lower.o
$(B)/lower_states: $(O)/tests/property/lower_states.o
$(B)/conform: $(O)/tests/conform/conform.o
$(B)/fuzz-replay: $(O)/tests/fuzz/fuzz_formats.o $(O)/tests/fuzz/replay.o
$(B)/torture: $(O)/tests/torture/torture.o
$(B)/hotpath: $(O)/tests/hotpath/hotpath.o
$(B)/digest: $(O)/tests/determinism/digest.o
$(EXAMPLES): $(B)/%: $(O)/examples/%.o
$(B)/demo: $(DEMO)
$(B)/solve_file: $(SOLVE)

$(EXAMPLES) $(TESTS): LIBS = $(LAPACKE_LIBS) -lm -pthread
$(EXAMPLES) $(TESTS): $(TRACE) $(STATIC)
	$(LINK)

$(B)/unit: LIBS = $(shell pkg-config --libs check 2>/dev/null) $(LAPACKE_LIBS) -lm -pthread
$(B)/unit: $(UNIT) $(STATIC)
	$(LINK)

## demo: balances a trace of real router logits, draws the loads before and after as build/loads.svg
demo:
	@sh tests/check/tools.sh cc
	@$(MAKE) --no-print-directory $(B)/demo
	$(B)/demo $(LOGITS) --svg $(B)/loads.svg

# ----------------------------------------------------------------------------------------------------------- install

## install: headers, libraries and spinroute.pc under DESTDIR, prefix, libdir, includedir
install: all
	mkdir -p '$(DESTDIR)$(includedir)/spinroute' '$(DESTDIR)$(libdir)/pkgconfig'
	install -m 644 include/spinroute.h '$(DESTDIR)$(includedir)/'
	install -m 644 $(HEADERS) '$(DESTDIR)$(includedir)/spinroute/'
	install -m 644 $(STATIC) '$(DESTDIR)$(libdir)/'
	install -m 755 $(REAL) '$(DESTDIR)$(libdir)/'
	ln -sf $(notdir $(REAL)) '$(DESTDIR)$(libdir)/libspinroute.so.$(ABI)'
	ln -sf libspinroute.so.$(ABI) '$(DESTDIR)$(libdir)/libspinroute.so'
	install -m 644 $(B)/spinroute.pc '$(DESTDIR)$(libdir)/pkgconfig/'

## uninstall: removes what install put there
uninstall:
	rm -f $(patsubst include/%,'$(DESTDIR)$(includedir)/%',$(HEADERS))
	-rmdir '$(DESTDIR)$(includedir)/spinroute' 2>/dev/null
	rm -f '$(DESTDIR)$(includedir)/spinroute.h' '$(DESTDIR)$(libdir)/libspinroute.a' \
	    '$(DESTDIR)$(libdir)/libspinroute.so' '$(DESTDIR)$(libdir)/libspinroute.so.$(ABI)' \
	    '$(DESTDIR)$(libdir)/$(notdir $(REAL))' '$(DESTDIR)$(libdir)/pkgconfig/spinroute.pc'

# ------------------------------------------------------------------------------------------------------------- check

# What the scripts in tests/check need to know.
export CC CXX B VERSION ABI
SCRIPT = MAKE='$(MAKE) --no-print-directory' sh tests/check

## tools: installs what building and checking need (apt-get); quick when all is there
tools:
	@sh tests/check/tools.sh all

## check: every promise below; one line per stage, logs in build/logs
check:
	+@$(SCRIPT)/run.sh

## check-build: libraries, examples and tests compile
check-build: all examples $(TESTS) $(B)/unit
	@echo '1 passed, 0 failed'

## check-unit: unit tests and golden vectors of published routers
check-unit: $(B)/unit
	$(B)/unit

## check-layouts: derived layouts against their statements, on random tables
check-layouts: $(SHARED)
	python3 tests/layouts/test_layouts.py $(SHARED)

## check-property: random plans and batches against the definitions; all tables and states of small ones; the lowered QUBO
check-property: $(B)/property $(B)/terms $(B)/quadratic $(B)/presolve $(B)/lower $(B)/lower_states
	$(B)/property
	$(B)/quadratic
	$(B)/terms
	$(B)/presolve
	$(B)/lower
	$(B)/lower_states

## check-conform: every backend keeps the contract, and those that do not are caught
check-conform: $(B)/conform
	$(B)/conform

## check-fuzz: what fuzzing found, and the rest of its corpus, read again
check-fuzz: $(B)/fuzz-replay
	+@$(SCRIPT)/fuzz.sh replay

## fuzz: looks for inputs that break the readers, FUZZ_SECONDS each (600); needs clang
fuzz:
	@$(SCRIPT)/fuzz.sh search

## check-torture: every allocation fails once
check-torture: $(B)/torture
	$(B)/torture

## check-hotpath: no allocation, lock, system call or print while routing
check-hotpath: $(B)/hotpath
	$(B)/hotpath

## check-determinism: the same bits from every kernel variant, thread count and form of the build
check-determinism: $(B)/digest
	+@$(SCRIPT)/determinism.sh

## check-cpu: the same bits on older processors (emulated)
check-cpu: $(B)/digest
	@$(SCRIPT)/cpu.sh

## check-neon: the same bits on 64-bit ARM (cross-compiled, emulated)
check-neon: $(B)/digest
	+@$(SCRIPT)/neon.sh

## check-lapacke: a library with LAPACKE needs it and nothing more, and its bound is one
check-lapacke: all
	+@$(SCRIPT)/lapacke.sh

## check-symbols: exports are the header's functions, nothing beyond libc and libm is needed, no global state
check-symbols: $(STATIC) $(SHARED)
	@$(SCRIPT)/symbols.sh

## check-header: each header alone is strict C99, C11, C++11 and C++17
check-header:
	@$(SCRIPT)/header.sh

## check-tree: who may include and call what; ASCII; file sizes
check-tree:
	@$(SCRIPT)/tree.sh

## check-by-hand: the library compiles without this Makefile, also as one unit
check-by-hand:
	@$(SCRIPT)/by_hand.sh

## check-clang: the library compiles with clang without a warning
check-clang:
	@$(SCRIPT)/clang.sh

## check-install: install, use from outside by pkg-config, uninstall
check-install: all
	+@$(SCRIPT)/install.sh

## check-readme: the first C example of README.md compiles and runs, and the other examples run
check-readme: all examples
	@$(SCRIPT)/readme.sh

## check-asan: tests under address and undefined-behaviour sanitizers, with assertions
check-asan:
	+@$(SCRIPT)/sanitize.sh asan

## check-tsan: tests with threads under the thread sanitizer
check-tsan:
	+@$(SCRIPT)/sanitize.sh tsan

## check-valgrind: unit tests under memcheck, leaks are errors
check-valgrind: $(B)/unit
	@$(SCRIPT)/valgrind.sh

## check-quality: the short lines of the quality ledger
check-quality: $(SHARED)
	python3 tests/quality.py --library $(SHARED) --short

# ------------------------------------------------------------------------------------------------------- slow things

# The benchmark sets, where they are at hand.
DATA ?= ../shared/data/qubo

## quality: no energy of the ledger tests/quality.csv gets worse; UPDATE=1 writes better ones
quality: $(SHARED)
	python3 tests/quality.py --library $(SHARED) --data $(DATA) --cache $(B)/instances $(if $(UPDATE),--update) $(QUALITY)

# A Python environment in build/, one stamp per set of packages.
VENV = python3 -m venv $(B)/venv && $(B)/venv/bin/pip install -q
PYTHON = $(B)/venv/bin/python

$(B)/venv/%.stamp:
	@sh tests/check/tools.sh venv $*
	$(VENV) $(PACKAGES)
	touch $@
$(B)/venv/bench.stamp: PACKAGES = -r tests/bench/requirements.txt
$(B)/venv/bench.stamp: tests/bench/requirements.txt
$(B)/venv/golden.stamp: PACKAGES = torch==2.13.0 transformers==5.23.0 numpy
$(B)/venv/trace.stamp: PACKAGES = -r examples/trace/requirements.txt
$(B)/venv/trace.stamp: examples/trace/requirements.txt

## bench: speed and quality beside others, as build/bench.tsv, build/bench-quadratic.tsv, build/bench-anneal.tsv
bench: bench-plain bench-quadratic bench-anneal

## bench-plain: plain and balanced routing
bench-plain: $(SHARED) $(B)/venv/bench.stamp
	$(PYTHON) tests/bench/bench.py --library $(SHARED) --trace $(LOGITS) --out $(B)/bench.tsv

## bench-quadratic: active experts, touched devices, the lowered QUBO; beside published rules, proved optima and annealers
bench-quadratic: $(SHARED) $(B)/venv/bench.stamp
	$(PYTHON) tests/bench/quadratic.py --library $(SHARED) --out $(B)/bench-quadratic.tsv

## bench-anneal: the annealer beside dwave-samplers and OpenJij; FULL=1 all of it, BENCH='...' as tests/bench/anneal.py says
bench-anneal: $(SHARED) $(B)/venv/bench.stamp
	$(PYTHON) tests/bench/anneal.py --library $(SHARED) --data $(DATA) --out $(B)/bench-anneal.tsv $(if $(FULL),--full) $(BENCH)

## bench-groups: generalised assignment and routing with constraint objects, beside best known values and spr_route
bench-groups: $(SHARED) $(B)/venv/bench.stamp
	$(PYTHON) tests/bench/assign.py --library $(SHARED) --out $(B)/bench-assign.tsv
	$(PYTHON) tests/bench/route_groups.py --library $(SHARED) --out $(B)/bench-groups.tsv

## golden: writes the golden vectors again and shows what changed
golden: $(B)/venv/golden.stamp
	$(PYTHON) tests/golden/make_golden.py
	git --no-pager diff --stat --exit-code -- tests/golden

## trace: trains the small model again and writes its router logits (half an hour)
trace: $(B)/venv/trace.stamp
	$(PYTHON) examples/trace/train_trace.py

## clean: removes build/
clean:
	rm -rf $(B)

## help: this list
help:
	@sed -n 's/^## \([a-z-]*\): /\1	/p' Makefile | awk -F '\t' '{ printf "%-18s %s\n", $$1, $$2 }'

force:
.PHONY: all examples demo install uninstall tools check $(filter check-%,$(shell sed -n 's/^## \([a-z-]*\):.*/\1/p' \
    Makefile)) bench bench-plain bench-quadratic bench-groups bench-anneal quality fuzz golden trace clean help force
.DELETE_ON_ERROR:
.SECONDARY:

-include $(patsubst %.o,%.d,$(LIB) $(UNIT) $(TRACE)) $(wildcard $(O)/tests/*/*.d $(O)/examples/*.d)
