# The versions the tools are pinned to; read by scripts/setup and scripts/env.sh.
# cargo-leptos 0.3.11 needs 1.96; every crate here is content with it.
RUST_VERSION=$(sed -n 's/^channel = "\(.*\)"$/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../rust-toolchain.toml")
CARGO_LEPTOS_VERSION=0.3.11
WASM_BINDGEN_VERSION=0.2.130 # must equal `wasm-bindgen` in Cargo.lock; `make check` compares them
BINARYEN_VERSION=132.0.0     # wasm-opt; Debian's own (108) does not know the instructions rustc emits
NODE_MAJOR=20                # what Playwright asks for
CARGO_DENY_VERSION=0.20.2    # only for make audit
CARGO_MACHETE_VERSION=0.9.2  # only for make check, as the next
TYPOS_VERSION=1.52.0
MOTO_VERSION=5.2.1          # an S3 service for the tests
FLASK_VERSION=3.1.3         # its HTTP server, with the next
FLASK_CORS_VERSION=6.0.2
