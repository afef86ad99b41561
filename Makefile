# The project's commands. `make test` is the one that counts: it needs nothing but rustup's toolchain and, for the real
# mail programs, Debian's packages, which it installs where it may.

CARGO ?= cargo
CRASH_ROUNDS ?= 50
FUZZ_SECONDS ?= 600

.PHONY: test lint doc unit clients imap-sync crash disk-full rehearsal views many-letters bench fuzz deps

test: deps lint doc unit

# Debian's mail programs. Where they can't be installed, the tests that need them say so and are skipped; with CI=true
# a skip fails.
deps:
	@sh tests/install-clients.sh

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

unit:
	$(CARGO) test --workspace

# Real mail programs alone.
clients: deps
	$(CARGO) test --test main clients:: -- --nocapture

# mbsync with a large mailbox, two ways (300 letters are in `make test`).
imap-sync: deps
	POSTERN_SYNC_LETTERS=5000 $(CARGO) test --test main clients::imap::two_ways::mbsync -- --nocapture

# SIGKILL in the middle of mixed load, many rounds (5 of them are in `make test`).
crash:
	POSTERN_CRASH_ROUNDS=$(CRASH_ROUNDS) $(CARGO) test --test main crash:: -- --nocapture

# A full disk on a small file system; needs root for the mount.
disk-full:
	$(CARGO) test --test main disk_full:: -- --nocapture

# A simulated year through the real actors: 1,000 accounts on sled, 10,000 in memory, 1,000 events each. Each account's
# events are held against what is stored and against the rules; prints what it took. Minutes, and some GB of memory.
rehearsal:
	$(CARGO) test --release --workspace --lib -- --ignored --nocapture --test-threads=1 a10_a_year

# Several IMAP sessions at one mailbox for 10,000 random steps, seed after seed; some minutes.
views:
	$(CARGO) test --test main -- --ignored --nocapture every_session_has_a_true_view_for_long

# 100,000 letters for 1,000 domains, some dead, out of Postern's queue and out of Postfix's; prints figures, takes some
# minutes, needs root.
many-letters: deps
	$(CARGO) test --release --test main -- --ignored --nocapture dead_domains_do_not_delay_the_living

# Figures with ratios against this disk's fdatasync and loopback TLS; takes some minutes.
bench:
	$(CARGO) bench --bench figures

# Parsers that strangers feed, ten minutes each from the seeds on; needs `cargo install cargo-fuzz` and a C++ compiler. A
# failure leaves its input in fuzz/artifacts. -s none: stable Rust has no sanitizers, and there is no unsafe code.
fuzz:
	for target in imap_command mime; do \
		mkdir -p fuzz/corpus/$$target && \
		$(CARGO) fuzz run -s none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -max_len=16384 -rss_limit_mb=1024 -timeout=10 || exit 1; \
	done
