# The steps that tests/quick and tests/run share; sourced, not run. Sets the working directory to the
# root of the repository.
#
# Every step covers the whole workspace: cargo chooses features by the packages of a command, so
# commands for single packages would build their dependencies again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skipped=()

step() { printf '\n== %s\n' "$*"; }

skip() { skipped+=("$*"); }

finish() {
    step "done"
    for reason in "${skipped[@]}"; do printf 'skipped: %s\n' "$reason"; done
}

check_format() {
    step "formatting"
    cargo fmt --all --check
}

check_lints() {
    step "lints"
    cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
}

# Runs tests: the arguments select targets, as for `cargo test`.
run_tests() {
    cargo test --workspace --locked --quiet --no-fail-fast "$@"
}
