set positional-arguments

# List the recipes
default:
    @just --list

# Build symtool and show it on a fixture
demo:
    sh scripts/demo.sh

# Run the tests; arguments go to cargo test
test *args:
    sh scripts/test.sh "$@"

# Check formatting, clippy, rustdoc, packages and shell syntax
lint:
    sh scripts/lint.sh

# Check stores in buckets with a real SeaweedFS (ROUNDS, KILLS and FILES make it larger)
fleet:
    sh scripts/fleet.sh

# Run what CI runs
ci:
    .ci/run

# Test the documents: commands, links, limits, JSON keys
docs:
    sh scripts/test.sh --test documents

# Write docs/schema from the types that --json prints
schema:
    SYMTOOL_SCHEMA=write sh scripts/test.sh --bins schema

# Look at pages of fixtures with Chromium; an argument is a folder for screenshots
page *args:
    sh scripts/page.sh "$@"

# Run the nightly job of docs/ci.md on generated crashes, with a receiver of notices; arguments go to the generator
nightly *args:
    sh scripts/nightly.sh "$@"

# Check everything with the oldest Rust that Cargo.toml promises; needs rustup
msrv:
    sh scripts/msrv.sh

# Check licences, sources and banned crates; needs cargo-deny
deny *args:
    sh scripts/deny.sh "$@"

# Pack each crate as it would be published, and list its files
package:
    sh scripts/package.sh

# Build symtool for release and pack it into dist/; arguments are targets, without one this machine's Linux
dist *args:
    sh scripts/dist.sh "$@"

# Try the packages in dist/ as a new user would: in a bare Debian, a bare virtual environment, an empty root
try-dist folder="dist" *args:
    sh scripts/dist/try.sh {{folder}} "$@"

# Compare the drop-ins with binutils' addr2line and llvm-symbolizer 19 on your files
dropins *args:
    sh scripts/dropins.sh "$@"

# Mutate fixtures with libFuzzer (TARGET: object, archive, crash, demangle, mapping, minidump or rules); needs nightly Rust and cargo-fuzz
fuzz target *args:
    sh scripts/fuzz.sh "$@"

# Compare speed and size with peers; arguments go to the benches (--only files, mappings or crashes)
bench *args:
    sh scripts/bench.sh "$@"

# Generate crash reports with known bugs; arguments go to the generator, the last is a new folder
crashes *args:
    sh scripts/crashes.sh "$@"

# Generate a mapping of R8 and traces with known answers; arguments go to the generator, the last is a new folder
mapping *args:
    sh scripts/mapping.sh "$@"

# Measure what commands cost in a store of many modules against one of one; arguments: --modules N --rounds N --store DIR
scale *args:
    sh scripts/scale.sh "$@"

# Compare the groups that Spark makes of generated crashes with those of one store; arguments go to the generator; needs Java
spark *args:
    sh scripts/spark.sh "$@"

# Measure how well generated crashes are grouped, before and after late imports; arguments go to the generator
eval *args:
    sh scripts/eval-crashes.sh "$@"

# Kill writers of a store at random moments KILLS times, and flip a bit of every 64th byte of every file (SEED picks others)
torture kills="1000":
    SYMTOOL_TORTURE="$1" sh scripts/test.sh --test kills --test shared --test damage --no-fail-fast -- --include-ignored

# Measure how work and memory grow with hostile inputs; needs valgrind
hostile *args:
    sh scripts/hostile.sh "$@"

# Refresh testdata/golden from llvm-symbolizer 19 (--check only compares)
golden *args:
    python3 testdata/golden.py "$@"

# Rebuild testdata/objects from testdata/src
fixtures:
    sh testdata/build.sh
