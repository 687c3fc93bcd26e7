//! The arguments of `symtool key`: the doc comments are its help, and the examples stand below
//! them.

use std::path::PathBuf;

const KEY: &str = "Examples:
  symtool key generate ~/symtool.key
  symtool --key-file ~/symtool.key import build/
  symtool --key-command ./key-of-vault.sh modules list
  symtool --key-file old.key key rotate --new-key-file new.key
  symtool --key-file ~/symtool.key key show

A store whose first import has a key is sealed: names, paths, lines and crash reports are encrypted; sizes and the addresses that have code are not. It stays sealed and needs its key for everything. If the key is lost, so are the contents.";

const GENERATE: &str = "Examples:
  symtool key generate ~/symtool.key";

const ROTATE: &str = "Examples:
  symtool --key-file old.key key rotate --new-key-file new.key

An interrupted rotation is finished by the same command. The old key no longer opens the store, but it still opens old backups.";

const KEY_SHOW: &str = "Examples:
  symtool key show
  symtool --key-file ~/symtool.key key show";

#[derive(Debug, clap::Subcommand)]
#[command(after_help = KEY)]
pub enum Key {
    /// Generates a key in a file that only its owner can read
    #[command(after_help = GENERATE)]
    Generate(Generate),
    /// Changes the key of a sealed store; modules and crashes are not rewritten
    #[command(after_help = ROTATE)]
    Rotate(Rotate),
    /// Shows the ids of the given key and of the store's key, never a key itself
    #[command(after_help = KEY_SHOW)]
    Show,
}

#[derive(Debug, clap::Args)]
pub struct Generate {
    /// The file to create
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The key that will open the store
    #[arg(long, value_name = "FILE")]
    pub new_key_file: PathBuf,
}
