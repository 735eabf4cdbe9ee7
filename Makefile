# gobtf. `make build`, `make demo` and `make test` need Go alone; the others say what they need when it is missing.
GO ?= go
# The newest staticcheck that Go 1.24 runs; go fetches it from the module proxy.
STATICCHECK = v0.6.1
CROSS = 386 arm arm64 riscv64 s390x ppc64le loong64
# Tests and checks go without the compiler's profile (cmd/gobtf/default.pgo), for which everything would be compiled once more.
lint race fuzz mutants: export GOFLAGS := $(or $(GOFLAGS),-pgo=off)
.PHONY: install build test pgo torture cross-test machines readers attack determinism packages package-test dkms-test dist release race fuzz bench growth fixtures rules mutants parity sweep kbuild-test kbuild-docs boot-test oot-test demo lint clean

build: ## bin/gobtf, statically linked
	CGO_ENABLED=0 $(GO) build -pgo=auto -trimpath -o bin/gobtf ./cmd/gobtf

PREFIX ?= /usr/local
install: build ## the program, manual pages, completions and resolve_btfids : PREFIX=/usr DESTDIR=/tmp/x PAHOLE=1 (also as pahole)
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/man/man1' '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
		'$(DESTDIR)$(PREFIX)/share/zsh/site-functions' '$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d'
	install -m 755 bin/gobtf '$(DESTDIR)$(PREFIX)/bin/gobtf'
	ln -sf gobtf '$(DESTDIR)$(PREFIX)/bin/resolve_btfids'
	$(if $(PAHOLE),ln -sf gobtf '$(DESTDIR)$(PREFIX)/bin/pahole')
	bin/gobtf man '$(DESTDIR)$(PREFIX)/share/man/man1'
	bin/gobtf completion bash >'$(DESTDIR)$(PREFIX)/share/bash-completion/completions/gobtf'
	bin/gobtf completion zsh >'$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_gobtf'
	bin/gobtf completion fish >'$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/gobtf.fish'

packages: ## .deb and .rpm for eight machines, by nfpm, into dist/ : ARCHES="amd64 arm64" (docs/packaging.md)
	scripts/packages $(ARCHES)

package-test: ## the amd64 package in clean Debian trees: installed, a module built with it, its hooks, removed : SUITES="trixie"
	scripts/e2e/package-test $(SUITES)

dkms-test: ## a module by DKMS in a clean Debian tree, loaded in qemu on its kernel and, rebased by the hook, on the next : SUITE=trixie
	scripts/e2e/dkms-test $(SUITE)

dist: ## the source with its libraries, bill of materials and checksums, into dist/
	scripts/dist

release: ## tests, tags, and makes dist/ : VERSION=0.1.0
	scripts/release $(VERSION)

test: ## everything that needs no kernel, no reference and no network, in under 3 minutes
	scripts/test

race: ## all tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race ./...

fuzz: ## every fuzz target for FUZZTIME (default 20s)
	scripts/fuzz

pgo: ## the compiler's profile (cmd/gobtf/default.pgo) anew, from runs on a debug kernel : KERNEL=build/kernels/...
	scripts/pgo $(KERNEL)

torture: build ## damaged and senseless files, and system calls that fail, for TORTURE_S seconds (default 120): nothing may be lost
	TORTURE_S=$(TORTURE_S) $(GO) run ./tools/torture

bench: build ## wall, cpu and peak memory against the reference, runs taken in turn
	$(GO) run ./tools/bench

growth: build ## time and memory against the size of the input, drawn into docs/growth.svg: KERNELS="DIR..." (default: those that are fetched)
	$(GO) run ./tools/growth $(or $(KERNELS),$(wildcard build/kernels/*amd64-dbg_*))

fixtures: ## rebuilds testdata/ from its sources
	scripts/fixtures

rules: ## breaks each odd rule in a copy and shows which fixtures notice (docs/fixtures.md)
	$(GO) run ./tools/rules

mutants: ## changes the source in N=200 random places (SEED=1), one at a time, and counts what the tests notice
	GOBTF_REFERENCE=$(abspath $(wildcard build/ref/pahole)) $(GO) run ./tools/mutants -n $(or $(N),200) -seed $(or $(SEED),1)

parity: build ## every byte against the reference, on a Debian debug kernel : WHAT="modules - all" (tools/parity tells)
	$(GO) run ./tools/parity $(WHAT)

sweep: build ## all debug kernels of Debian's suites against the reference: SUITES="trixie sid" ARCHES="amd64 arm64" LIMIT=10
	SUITES="$(SUITES)" ARCHES="$(ARCHES)" LIMIT="$(LIMIT)" scripts/e2e/sweep

kbuild-test: ## kernels built with PAHOLE=gobtf in every way, compared and booted: KERNELS="6.12 7" WAYS="gcc llvm" KEEP=1
	KERNELS="$(KERNELS)" WAYS="$(WAYS)" KEEP="$(KEEP)" scripts/e2e/kbuild-test

kbuild-docs: ## writes what kbuild-test found into the table of docs/kbuild.md
	$(GO) run ./tools/kbuild -docs docs/kbuild.md

boot-test: ## what live kernels make of module BTF in every form: KERNELS="6.12 7 small small-7" (default 6.12)
	scripts/e2e/boot-test $(KERNELS)

oot-test: ## a module built on Debian's headers in every dialect of flags: KERNELS="6.12 7" (default 6.12)
	scripts/e2e/oot-test $(KERNELS)

cross-test: ## gobtf for other machines, run under qemu's user emulation: the same bytes; two clones, the same program : ARCH="arm64 s390x"
	scripts/e2e/cross-test $(ARCH)

machines: build ## every machine that Linux has and Debian compiles for, against the reference (docs/machines.md) : MACHINES="sh4 alpha"
	scripts/e2e/machines $(MACHINES)

readers: ## which versions of cilium/ebpf read which BTF, against btf/verify's table : VERSIONS="0.19.0 0.22.0"
	$(GO) run ./tools/readers $(VERSIONS)

determinism: build ## 50 runs with random workers, processors and limits of memory: the same bytes of vmlinux and 20 modules : RUNS=50 SEED=1
	scripts/e2e/determinism $(RUNS) $(SEED)

attack: ## 2,000 tries at a file of somebody else's while gobtf writes into a folder of the attacker's
	$(GO) test -count=1 -run TestAttacker ./cmd/gobtf -v -attacks 2000

generate: build ## 2,000 generated sets of C units and 200 of csmith against the reference (docs/generator.md)
	scripts/generate

demo: build ## the main job on a bundled module and bundled programs
	$(GO) run ./tools/demo

lint: ## gofmt, vet, staticcheck, tidy modules, import rules, and whether it compiles for every machine that CROSS names
	@test -z "$$(gofmt -l .)" || { gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) mod tidy -diff
	$(GO) run honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK) -checks inherit,-ST1005,-ST1008 ./...
	$(GO) test -count=1 ./internal/layout
	GOARCH=386 $(GO) vet ./...
	for a in $(CROSS); do echo "GOARCH=$$a"; CGO_ENABLED=0 GOARCH=$$a $(GO) build ./... || exit 1; done

clean: ## keeps build/, which holds the downloads
	rm -rf bin
