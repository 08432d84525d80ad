# Puts the tools that scripts/setup installed in front of PATH. Sourced by every recipe of the Makefile.
. "$(dirname "${BASH_SOURCE[0]}")/versions.sh"

IDOBATA_TOOLS="${IDOBATA_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/idobata-tools}"
RUST_BIN="$IDOBATA_TOOLS/rust-$RUST_VERSION/bin"
LEPTOS_ROOT="$IDOBATA_TOOLS/cargo-leptos-$CARGO_LEPTOS_VERSION"
BINDGEN_ROOT="$IDOBATA_TOOLS/wasm-bindgen-$WASM_BINDGEN_VERSION"
DENY_ROOT="$IDOBATA_TOOLS/cargo-deny-$CARGO_DENY_VERSION"
MACHETE_ROOT="$IDOBATA_TOOLS/cargo-machete-$CARGO_MACHETE_VERSION"
TYPOS_ROOT="$IDOBATA_TOOLS/typos-$TYPOS_VERSION"
BINARYEN_ROOT="$IDOBATA_TOOLS/binaryen-$BINARYEN_VERSION"
NODE_ROOT="$IDOBATA_TOOLS/node-$NODE_MAJOR"
MOTO_ROOT="$IDOBATA_TOOLS/moto-$MOTO_VERSION" # the tests look for it there

PATH="$RUST_BIN:$LEPTOS_ROOT/bin:$BINDGEN_ROOT/bin:$DENY_ROOT/bin:$MACHETE_ROOT/bin:$TYPOS_ROOT/bin:$BINARYEN_ROOT/node_modules/.bin:$NODE_ROOT/node_modules/.bin:$PATH"
unset RUSTUP_TOOLCHAIN       # $RUST_BIN decides; an override in the environment would win over it
export PATH IDOBATA_TOOLS MOTO_ROOT
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1
