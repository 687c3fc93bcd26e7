//! What stands below the options in `--help` and in manual pages: examples first, then what they leave open.
//!
//! Examples are indented and fit 60 columns where they can; a paragraph is one line, which is wrapped as it is printed.

pub const SYMTOOL: &str = "Examples:
  symtool import libxxx.so.debug         one debug file
  symtool import build/ App.xcarchive    folders, archives
  symtool resolve --module libxxx.so.debug 0x5a602a
  symtool resolve --batch addrs.txt      many addresses
  symtool modules list                   what is stored
  symtool crash add reports/             store and group
  symtool reprocess                      after an import
  symtool check build/libxxx.so          before an upload

Defaults for all commands can be set in symtool.toml.

Exit codes: 0 done; 1 done, but some input failed; 2 wrong usage; 3 the store cannot be used.";

pub const RETRACE: &str = "Examples:
  symtool retrace trace.txt
  symtool retrace mapping.txt trace.txt     as R8's retrace
  symtool retrace trace.txt --mapping 5f8c1d02
  adb logcat | symtool retrace -

Each trace is retraced with the mapping that R8 wrote into its frames (r8-map-id-...), unless --mapping names one.

All other text passes through unchanged.";

pub const IMPORT: &str = "Examples:
  symtool import libxxx.so.debug
  symtool import app.apk MyApp.xcarchive build/
  symtool import MyApp.app/MyApp:arm64   one slice
  symtool import libxxx.so --debug-dir /srv/debug
  symtool import mapping.txt --id 550e8400-e29b-41d4-a716-446655440000
  symtool import build/ --json > import.ndjson

A file that is in the store already is `unchanged`. Another file of the same build completes it.";

pub const RESOLVE: &str = "Examples:
  symtool resolve --module libxxx.so.debug 0x5a602a
  symtool resolve --module 4a575717325c 0x5a602a   by id
  symtool resolve --module MyApp:arm64 0x100003f2c
  symtool resolve --batch addrs.txt --style json
  zcat addrs.gz | symtool resolve --batch - > frames.txt

Requests are one on each line, with hexadecimal addresses (0x is optional). Blank lines and # comments are ignored:
  ADDR   MODULE ADDR   MODULE+ADDR   MODULE!ADDR
  CODE MODULE ADDR   \"name with spaces\" ADDR

MODULE is a name, a path, a label, or a build-id or UUID (the first 8 digits are enough). Each can be followed by :ARCH, such as :amd64 or :x86_64, which are the same.

Addresses are the file's own (virtual) addresses by default. Convert a runtime address with: address - load address + image base. `modules show` prints the image base.";

pub const ADDR2LINE: &str = "Examples:
  symtool addr2line -fipCe libxxx.so.debug 0x5a602a
  symtool addr2line --help
  ln -s $(command -v symtool) ~/bin/addr2line

The options are those of addr2line; --help lists them. Called through a link of that name, symtool is that tool.";

pub const LLVM_SYMBOLIZER: &str = "Examples:
  symtool llvm-symbolizer --obj libxxx.so.debug 0x5a602a
  symtool llvm-symbolizer --help
  ln -s $(command -v symtool) ~/bin/llvm-symbolizer

The options are those of llvm-symbolizer; --help lists them. Called through a link of that name, symtool is that tool.";

pub const MODULES: &str = "Examples:
  symtool modules list
  symtool modules show libxxx.so.debug
  symtool modules verify";

pub const LIST: &str = "Examples:
  symtool modules list
  symtool modules list libxxx --sort imported
  symtool modules list --json | jq -r .id

On a terminal, ids are cut to 12 digits, which are enough to name a module.";

pub const GC: &str = "Examples:
  symtool modules gc --keep 5
  symtool modules gc --older-than 365d --dry-run
  symtool modules gc --keep 2 --older-than 90d

With both options, only builds that are old and have enough newer ones are removed.";

pub const EXPORT: &str = "Examples:
  symtool modules export libxxx.so -o libxxx.segment
  symtool import libxxx.segment      elsewhere

The file contains the module as it is stored. From a sealed store it is sealed, and the other store needs the same key.";

pub const REPAIR: &str = "Examples:
  symtool modules repair

Checks every block and drops modules with a damaged one; import their files again. The old database is kept until the new one is on disk.

Exit codes: 0 nothing was lost; 1 something was lost and is named; 3 the store cannot be used.";

pub const COMPACT: &str = "Examples:
  symtool modules compact

Waits for readers and writers to finish, for at most --wait SECONDS.";

pub const KEY: &str = "Examples:
  symtool key generate ~/symtool.key
  symtool --key-file ~/symtool.key import build/
  symtool --key-command ./key-of-vault.sh modules list
  symtool --key-file old.key key rotate --new-key-file new.key
  symtool --key-file ~/symtool.key key show

A store whose first import has a key is sealed: names, paths, lines and crash reports are encrypted; sizes and the addresses that have code are not. It stays sealed and needs its key for everything. If the key is lost, so are the contents.";

pub const GENERATE: &str = "Examples:
  symtool key generate ~/symtool.key";

pub const ROTATE: &str = "Examples:
  symtool --key-file old.key key rotate --new-key-file new.key

An interrupted rotation is finished by the same command. The old key no longer opens the store, but it still opens old backups.";

pub const KEY_SHOW: &str = "Examples:
  symtool key show
  symtool --key-file ~/symtool.key key show";

pub const SHOW: &str = "Examples:
  symtool modules show libxxx.so.debug
  symtool modules show 4a575717325c
  symtool modules show --latest libxxx.so.debug
  symtool modules show MyApp.app:arm64";

pub const REMOVE: &str = "Examples:
  symtool modules remove 4a575717325c
  symtool modules remove libxxx.so.debug libyyy.so.debug";

pub const VERIFY: &str = "Examples:
  symtool modules verify
  symtool modules verify libxxx.so.debug --sample 100000

Without MODULE, all modules are checked. With a path, answers at sampled addresses are also compared with those of a second reader (the addr2line crate) of that file.

Exit codes: 0 intact; 1 answers differ, or a module or file was not found; 3 the store is damaged.";

pub const CHECK: &str = "Examples:
  symtool check build/libxxx.so
  symtool check libxxx.so libxxx.so.debug   a pair
  symtool check app.apk --debug-dir symbols/
  symtool check --require symbols vendor/libyyy.so
  symtool check --json build/ | jq 'select(.good == false)'

A file is good if it has a build-id or UUID and intact debug data. The debug data may be in a debug file of the same build: beside it, in a --debug-dir, or among the arguments. No store is needed.

Exit codes: 0 all are good; 1 some are not, each is named with what to do; 2 wrong usage.";

pub const STATS: &str = "Examples:
  symtool stats
  symtool stats --json | jq .disk_bytes";

pub const COMPLETIONS: &str = "Examples:
  symtool completions bash > ~/.local/share/bash-completion/completions/symtool
  symtool completions zsh > ~/.zfunc/_symtool
  symtool completions fish > ~/.config/fish/completions/symtool.fish

For zsh, the folder needs to be in $fpath.";

pub const MAN: &str = "Examples:
  symtool man | man -l -
  symtool man ~/.local/share/man/man1";

pub const CRASH: &str = "Examples:
  symtool crash add reports/
  symtool crash list
  symtool crash show c1f2e3";

pub const CRASH_ADD: &str = "Examples:
  symtool crash add event.json tombstone_00 MyApp.crash
  symtool crash add reports/
  zcat events.ndjson.gz | symtool crash add -

A report that is stored already (by its event id, or else its bytes) is not counted again. Reports that cannot be read are named and kept; `crash list --failed` lists them.";

pub const CRASH_LIST: &str = "Examples:
  symtool crash list --group g00112233
  symtool crash list --release 2.4.1 --json
  symtool crash list --failed";

pub const CRASH_SHOW: &str = "Examples:
  symtool crash show c1f2e3
  symtool crash show --raw c1f2e3 > report.json";

pub const CRASH_REMOVE: &str = "Examples:
  symtool crash remove c1f2e3";

pub const CRASH_GC: &str = "Examples:
  symtool crash gc --older-than 180d --dry-run
  symtool crash gc --keep 100 --older-than 30d
  symtool crash gc --max-size 20GB

With --keep and --older-than, only crashes that match both are removed. A group keeps its last crash unless --last is given. Runs that moved removed crashes are named first: they cannot be undone for these.";

pub const CRASH_FORGET: &str = "Examples:
  symtool crash forget --user 4711 --dry-run
  symtool crash forget --user 4711

Reports that cannot be read are searched, too. Nothing of what was removed stays on disk.";

pub const SYMBOLICATE: &str = "Examples:
  symtool symbolicate MyApp.crash
  adb logcat | symtool symbolicate -
  symtool symbolicate event.json > resolved.json

What cannot be resolved stays as it is, byte for byte. Nothing is stored. A log on stdin is processed line by line.";

pub const REPROCESS: &str = "Examples:
  symtool reprocess --dry-run
  symtool reprocess --max-absorb 20 --report last.json
  17 3 * * *  symtool -q reprocess --max-absorb 20    in a crontab

Only crashes with frames in modules that changed since the last run are looked at; all of them if rules have changed. A run is atomic: a killed run has changed nothing or everything. A crash that would have fewer frames resolved stays as it was.";

pub const GROUPS: &str = "Examples:
  symtool groups list --limit 20
  symtool groups show g00112233
  symtool groups history";

pub const GROUPS_LIST: &str = "Examples:
  symtool groups list --limit 20
  symtool groups list --kind provisional --sort last
  symtool groups list --release 2.4.1 --json";

pub const GROUPS_SHOW: &str = "Examples:
  symtool groups show g00112233";

pub const GROUPS_DIFF: &str = "Examples:
  symtool groups diff 3        since run 3
  symtool groups diff 3 5      after run 5 against after run 3";

pub const GROUPS_HISTORY: &str = "Examples:
  symtool groups history
  symtool groups history g00112233";

pub const GROUPS_UNDO: &str = "Examples:
  symtool groups undo
  symtool groups undo 4

Crashes that arrived since stay. What was undone is not done again until symbols or rules change once more.";

pub const GROUPS_MERGE: &str = "Examples:
  symtool groups merge g00112233 g44556677";

pub const MISSING: &str = "Examples:
  symtool missing
  symtool missing --all --json";

pub const RULES: &str = "Examples:
  symtool rules check rules.txt
  symtool rules explain c1f2e3
  symtool rules show";

pub const RULES_CHECK: &str = "Examples:
  symtool rules check rules.txt";

pub const RULES_EXPLAIN: &str = "Examples:
  symtool rules explain c1f2e3
  symtool rules explain c1f2e3 --rules new-rules.txt";

pub const RULES_SHOW: &str = "Examples:
  symtool rules show
  symtool rules show | grep objc_msgSend";
