//! What stands below the options in `--help` and in manual pages: examples first, then what they leave open.
//!
//! Examples are indented and fit 60 columns where they can; a paragraph is one line, which is wrapped as it is printed.

pub const SYMTOOL: &str = "Examples:
  symtool import libxxx.so.debug         into the store
  symtool import build/ App.xcarchive    folders, archives
  symtool resolve --module libxxx.so.debug 0x5a602a
  symtool resolve --batch addrs.txt      many at once
  symtool modules list                   what is in
  symtool crash add reports/             into groups
  symtool reprocess                      once symbols came
  symtool check build/libxxx.so          good to upload?

Settings for all commands: symtool.toml, see the README.

Exit codes: 0 done; 1 done, but some input failed; 2 wrong usage; 3 the store cannot be used.";

pub const RETRACE: &str = "Examples:
  symtool retrace trace.txt
  symtool retrace mapping.txt trace.txt     as R8's retrace
  symtool retrace trace.txt --mapping 5f8c1d02
  adb logcat | symtool retrace -

Each trace is retraced by the mapping that R8 has written into its frames (r8-map-id-...), unless --mapping says it.

Text that is no frame and no exception passes through unchanged.";

pub const IMPORT: &str = "Examples:
  symtool import libxxx.so.debug
  symtool import app.apk MyApp.xcarchive build/
  symtool import MyApp.app/MyApp:arm64   one slice
  symtool import libxxx.so --debug-dir /srv/debug
  symtool import mapping.txt --id 550e8400-e29b-41d4-a716-446655440000
  symtool import build/ --json > import.ndjson

A file that is in the store already is left as it is (`unchanged`); another file of the same build completes it.";

pub const RESOLVE: &str = "Examples:
  symtool resolve --module libxxx.so.debug 0x5a602a
  symtool resolve --module 4a575717325c 0x5a602a   by id
  symtool resolve --module MyApp:arm64 0x100003f2c
  symtool resolve --batch addrs.txt --style json
  zcat addrs.gz | symtool resolve --batch - > frames.txt

Requests, one a line, addresses in hexadecimal with or without 0x; blank lines and lines that begin with # pass:
  ADDR   MODULE ADDR   MODULE+ADDR   MODULE!ADDR
  CODE MODULE ADDR   \"name with spaces\" ADDR

MODULE is a name, a path, or a build-id or UUID or its first 8 or more digits. Any of them may end in :ARCH, by any name of the architecture (x86_64 or amd64, arm64 or aarch64, armv7).

Addresses are the file's own (virtual) addresses. From those of a process: address - load address + image base, which `modules show` tells.";

pub const ADDR2LINE: &str = "Examples:
  symtool addr2line -fipCe libxxx.so.debug 0x5a602a
  symtool addr2line --help
  ln -s $(command -v symtool) ~/bin/addr2line

Its options are those of addr2line, which --help lists. Through a link of that name the program is that tool.";

pub const LLVM_SYMBOLIZER: &str = "Examples:
  symtool llvm-symbolizer --obj libxxx.so.debug 0x5a602a
  symtool llvm-symbolizer --help
  ln -s $(command -v symtool) ~/bin/llvm-symbolizer

Its options are those of llvm-symbolizer, which --help lists. Through a link of that name the program is that tool.";

pub const MODULES: &str = "Examples:
  symtool modules list
  symtool modules show libxxx.so.debug
  symtool modules verify";

pub const LIST: &str = "Examples:
  symtool modules list
  symtool modules list libxxx --sort imported
  symtool modules list --json | jq -r .id

On a terminal, ids are cut to 12 digits, which are enough to name a module by.";

pub const GC: &str = "Examples:
  symtool modules gc --keep 5
  symtool modules gc --older-than 365d --dry-run
  symtool modules gc --keep 2 --older-than 90d

With both, only builds that are old and have newer ones go.";

pub const EXPORT: &str = "Examples:
  symtool modules export libxxx.so -o libxxx.segment
  symtool import libxxx.segment      elsewhere

The file has the module as it is stored: from a sealed store it is sealed, and the other store needs the same key.";

pub const REPAIR: &str = "Examples:
  symtool modules repair

Every block of every module is checked, and modules with a damaged one are dropped; import their files again. The old database is kept until the new one is on disk.

Exit codes: 0 nothing was damaged; 1 modules were dropped, each is named; 3 the store cannot be used.";

pub const COMPACT: &str = "Examples:
  symtool modules compact

Waits until nobody reads or writes, for --wait SECONDS at most.";

pub const KEY: &str = "Examples:
  symtool key generate ~/symtool.key
  symtool --key-file ~/symtool.key import build/
  symtool --key-command ./key-of-vault.sh modules list
  symtool --key-file old.key key rotate --new-key-file new.key
  symtool --key-file ~/symtool.key key show

A store whose first import has a key is sealed: names, paths and lines are encrypted; ids of modules, addresses and sizes are not. It stays sealed, and needs its key for everything. Whoever loses the key loses what is in the store.";

pub const GENERATE: &str = "Examples:
  symtool key generate ~/symtool.key";

pub const ROTATE: &str = "Examples:
  symtool --key-file old.key key rotate --new-key-file new.key

If it was interrupted, the same command finishes it. The old key opens the store no longer, but it opens old backups.";

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

Without MODULE, all modules are checked. For a path, answers at sampled addresses are worked out anew from that file by another reader (the addr2line crate) and compared.

Exit codes: 0 all is well; 1 answers differ, or a module or file was not found; 3 the store is damaged.";

pub const CHECK: &str = "Examples:
  symtool check build/libxxx.so
  symtool check libxxx.so libxxx.so.debug   a pair
  symtool check app.apk --debug-dir symbols/
  symtool check --require symbols vendor/libyyy.so
  symtool check --json build/ | jq 'select(.good == false)'

An object is good if it has a build-id or UUID and debug data that is whole, its own or in a debug file of the same build: beside it, in a --debug-dir, or given as well. No store is needed.

Exit codes: 0 all are good; 1 some are not, each with what is wrong and what to do; 2 wrong usage.";

pub const STATS: &str = "Examples:
  symtool stats
  symtool stats --json | jq .disk_bytes";

pub const COMPLETIONS: &str = "Examples:
  symtool completions bash > ~/.local/share/bash-completion/completions/symtool
  symtool completions zsh > ~/.zfunc/_symtool
  symtool completions fish > ~/.config/fish/completions/symtool.fish

For zsh, the folder has to be in $fpath.";

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

A report that is stored already is left as it is: with the same event id, or else with the same bytes. One that cannot be read is named and kept; `crash list --failed` lists those.";

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

With --keep and --older-than, a crash goes if both say so. A group keeps its last crash unless --last is given. Runs that moved crashes which go
are named first: they can not be undone for these.";

pub const CRASH_FORGET: &str = "Examples:
  symtool crash forget --user 4711 --dry-run
  symtool crash forget --user 4711

Reports that cannot be read are searched, too. What was removed leaves nothing on disk.";

pub const SYMBOLICATE: &str = "Examples:
  symtool symbolicate MyApp.crash
  adb logcat | symtool symbolicate -
  symtool symbolicate event.json > resolved.json

What cannot be resolved stays byte for byte. Nothing is stored. A log on stdin is filtered line by line, as it comes.";

pub const REPROCESS: &str = "Examples:
  symtool reprocess --dry-run
  symtool reprocess --max-absorb 20 --report last.json
  17 3 * * *  symtool -q reprocess --max-absorb 20    in a crontab

Only crashes are looked at that have frames in modules that came, changed or went since the last run; all of them if rules have changed. The change is made at once: a run that is killed has changed nothing or everything. A crash of which fewer frames would be resolved keeps what it had.";

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

Crashes that came since stay. What is undone is not done again before symbols or rules change once more, or with `reprocess --all` after such a change.";

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
