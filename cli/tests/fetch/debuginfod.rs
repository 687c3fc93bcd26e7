//! `--debuginfod` of the llvm-symbolizer drop-in, beside llvm-symbolizer 19, which keeps files in
//! the same folder.

use std::fs;
use std::process::Command;

use crate::command;
use crate::server::{Reply, Server};
use crate::support::{Run, Sandbox, object};

/// The id of `link-build-id/lib.so`, whose debug file is elsewhere.
const ID: &str = "c1c7d712f921c3d9df53ea0d5ab6eee78d3d3bd4";

/// Where the server has that.
fn path() -> String {
    format!("/buildid/{}/debuginfo", id())
}

fn id() -> String {
    let bytes = fs::read(object("link-stripped/lib.so.debug")).unwrap();
    let file = object::File::parse(&*bytes).unwrap();
    hex::encode(object::Object::build_id(&file).unwrap().unwrap())
}

/// Runs a tool with this server and its folder.
fn ask(tool: &mut Command, sandbox: &Sandbox, urls: &str, words: &[&str]) -> Run {
    tool.args(words)
        .env("DEBUGINFOD_URLS", urls)
        .env("DEBUGINFOD_CACHE_PATH", sandbox.path("llvm"))
        .env("HOME", sandbox.path("home"));
    Run::lossy(&tool.output().unwrap())
}

fn ours(sandbox: &Sandbox, urls: &str, words: &[&str]) -> Run {
    let words = [&["llvm-symbolizer"], words].concat();
    ask(&mut command(sandbox), sandbox, urls, &words)
}

fn real(sandbox: &Sandbox, urls: &str, words: &[&str]) -> Run {
    ask(&mut Command::new("llvm-symbolizer-19"), sandbox, urls, words)
}

/// How many files of servers are in the folder; LLVM keeps a mark of its own there.
fn kept_files(sandbox: &Sandbox) -> usize {
    let entries =
        fs::read_dir(sandbox.path("llvm")).unwrap().map(|entry| entry.unwrap().file_name());
    entries.filter(|name| name.to_string_lossy() != "llvmcache.timestamp").count()
}

#[test]
fn a_file_comes_by_its_build_id_once() {
    let server = Server::new(|request, _| {
        let debug = fs::read(object("link-stripped/lib.so.debug")).unwrap();
        if request.path == path() { Reply::File(debug) } else { Reply::Status(404) }
    });
    // Copied, as its debug file lies beside it.
    let sandbox = Sandbox::new();
    let library = sandbox.write("lib.so", fs::read(object("link-stripped/lib.so")).unwrap());
    let (library, id) = (library.to_str().unwrap(), id());
    let by_path = ["--debuginfod", "-e", library, "0x10d4", "0x1274"];
    let by_id = ["--debuginfod", "--build-id", &id, "0x10d4", "0x1274"];
    let url = server.url();
    let without = ours(&sandbox, &url, &by_path[1..]);
    assert_eq!((server.got().len(), without.code), (0, 0), "{}", without.stderr);
    let [first, again] = [(); 2].map(|()| ours(&sandbox, &url, &by_path));
    assert_eq!((server.got().len(), &first.stdout), (1, &again.stdout), "{}", first.stderr);
    assert_ne!(first.stdout, without.stdout);
    // LLVM's tool finds what this one has kept, and the other way round.
    let kept = real(&sandbox, &url, &by_path);
    assert_eq!((&kept.stdout, server.got().len()), (&first.stdout, 1), "{}", kept.stderr);
    fs::remove_dir_all(sandbox.path("llvm")).unwrap();
    let came = real(&sandbox, &url, &by_id);
    let after = ours(&sandbox, "http://127.0.0.1:1", &by_id);
    assert_eq!(after.stdout, came.stdout, "{}", after.stderr);
    assert_eq!(kept_files(&sandbox), 1);
}

#[test]
fn what_does_not_come_is_as_if_nobody_was_asked() {
    let server = Server::new(|_, _| Reply::File(fs::read(object("id-fast.so")).unwrap()));
    let sandbox = Sandbox::new();
    let library = sandbox.write("lib.so", fs::read(object("link-stripped/lib.so")).unwrap());
    let words = ["--debuginfod", "-e", library.to_str().unwrap(), "0x10d4", "0x1274"];
    let down = "ftp://nothing http://127.0.0.1:1";
    for urls in ["", down, &server.url()] {
        let run = ours(&sandbox, urls, &words);
        assert_eq!(run.stdout, ours(&sandbox, "", &words[1..]).stdout, "{urls}");
        assert_eq!((run.code, run.stderr.contains("DEBUGINFOD_URLS")), (0, urls == down));
    }
    // A wrong file is not kept.
    assert_eq!((kept_files(&sandbox), server.got().len()), (0, 1));
    assert_eq!(ours(&sandbox, "", &["--no-debuginfod", "--build-id", ID, "0x1"]).code, 0);
}
