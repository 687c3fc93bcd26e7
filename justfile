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

# Check formatting, clippy, documentation and shell syntax
lint:
    sh scripts/lint.sh

# Break fixtures at random for as long as you like (TARGET: object, archive, crash, demangle, mapping or rules); needs nightly Rust and cargo-fuzz
fuzz target *args:
    sh scripts/fuzz.sh "$@"

# Run the benches; arguments go to them (--only files, mappings or crashes)
bench *args:
    sh scripts/bench.sh "$@"

# Generate crash reports with known truth; arguments go to the generator, the last is a new folder
crashes *args:
    sh scripts/crashes.sh "$@"

# Generate a mapping of R8 and traces with known truth; arguments go to the generator, the last is a new folder
mapping *args:
    sh scripts/mapping.sh "$@"

# Say how well generated crashes are grouped, before and after late debug files; arguments go to the generator
eval *args:
    sh scripts/eval-crashes.sh "$@"

# Kill writers of a store at random moments, so many times, and flip a bit of every 64th byte of every file (SEED picks others)
torture kills="1000":
    SYMTOOL_TORTURE="$1" sh scripts/test.sh --test kills --test shared --test damage --no-fail-fast -- --include-ignored

# Measure how work and memory grow with inputs that are made to be expensive; needs valgrind
hostile *args:
    sh scripts/hostile.sh "$@"

# Refresh testdata/golden (--check only compares)
golden *args:
    python3 testdata/golden.py "$@"

# Rebuild testdata/objects from testdata/src
fixtures:
    sh testdata/build.sh
