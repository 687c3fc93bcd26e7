//! What stands below the options in `--help` and in manual pages: examples first, then what they leave open.

pub const SYMTOOL: &str = "Examples:
  symtool import libxxx.so.debug          put its symbols into the store
  symtool import build/ App.xcarchive     search folders, dSYMs and archives
  symtool resolve --module libxxx.so.debug 0x5a602a
  symtool resolve --batch addrs.txt       lines such as: libxxx.so.debug 0x5a602a
  symtool modules list                    what the store holds
  symtool check build/libxxx.so           is it good to upload?

Settings for all commands: symtool.toml, see the README.
Exit codes: 0 done; 1 done, but some input failed; 2 wrong usage; 3 the store cannot be used.";

pub const IMPORT: &str = "Examples:
  symtool import libxxx.so.debug
  symtool import app.apk MyApp.xcarchive build/
  symtool import MyApp.app/MyApp:arm64            one architecture
  symtool import libxxx.so --debug-dir /srv/debug
  symtool import build/ --json > import.ndjson

A file that is in the store already is left as it is (`unchanged`); another file
of the same build completes it.";

pub const RESOLVE: &str = "Examples:
  symtool resolve --module libxxx.so.debug 0x5a602a 0x5a6100
  symtool resolve --module 4a575717325c 0x5a602a       by build-id or UUID
  symtool resolve --module MyApp:arm64 0x100003f2c     one architecture
  symtool resolve --batch addrs.txt --style json
  zcat addrs.gz | symtool resolve --batch - > frames.txt

Requests, one a line, addresses in hexadecimal with or without 0x:
  ADDR   MODULE ADDR   MODULE+ADDR   MODULE!ADDR   CODE MODULE ADDR
  \"name with spaces\" ADDR
MODULE is a name, a path, or a build-id or UUID or its first 8 or more digits; any
of them may end in :ARCH (x86_64 or amd64, arm64 or aarch64, armv7, ...).
Blank lines and lines that begin with # pass. Addresses are the file's own (virtual)
addresses; from a process: address - load address + image base (`modules show`).";

pub const MODULES: &str = "Examples:
  symtool modules list
  symtool modules show libxxx.so.debug
  symtool modules verify";

pub const LIST: &str = "Examples:
  symtool modules list
  symtool modules list --json | jq -r .id

On a terminal, ids are cut to 12 digits, which are enough to name a module by.";

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

Without MODULE, all modules are checked. For a path, answers at sampled addresses
are worked out anew from that file by another reader (the addr2line crate) and
compared.
Exit codes: 0 all is well; 1 answers differ, or a module or file was not found;
3 the store is damaged.";

pub const CHECK: &str = "Examples:
  symtool check build/libxxx.so                   its debug file is looked for
  symtool check libxxx.so libxxx.so.debug         matched by build-id
  symtool check app.apk --debug-dir symbols/
  symtool check --require symbols vendor/*.so
  symtool check --json build/ | jq -r 'select(.good == false) | .path'

No store is needed. Exit codes: 0 all are good to upload; 1 some are not (each
says why and what to do); 2 wrong usage.";

pub const STATS: &str = "Examples:
  symtool stats
  symtool stats --json | jq .disk_bytes";

pub const COMPLETIONS: &str = "Examples:
  symtool completions bash > ~/.local/share/bash-completion/completions/symtool
  symtool completions zsh > ~/.zfunc/_symtool          with ~/.zfunc in $fpath
  symtool completions fish > ~/.config/fish/completions/symtool.fish";

pub const MAN: &str = "Examples:
  symtool man | man -l -
  symtool man ~/.local/share/man/man1";
