//! A sealed store: nothing in it can be read without its key, and everything with it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::{Run, Sandbox, clear, object};

const FIXTURE: &str = "cpp-gcc-O2-dwarf5.so";
const OTHER: &str = "rust-O2-dwarf5.so";

/// A sandbox with two keys and a store that is sealed with the first.
fn sealed() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["one.key", "two.key"] {
        assert_eq!(sandbox.run(["key", "generate", sandbox.path(name).to_str().unwrap()]).code, 0);
    }
    for fixture in [FIXTURE, OTHER] {
        let run = with_key(&sandbox, "one.key", &["import", object(fixture).to_str().unwrap()]);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    sandbox
}

fn with_key(sandbox: &Sandbox, key: &str, args: &[&str]) -> Run {
    Run::of(sandbox.command().arg("--key-file").arg(sandbox.path(key)).args(args).output().unwrap())
}

/// What `key show` calls a key.
fn id_of(sandbox: &Sandbox, key: &str) -> String {
    let run = with_key(sandbox, key, &["key", "show", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    shown["given"].as_str().unwrap().to_owned()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// What a store must not tell of a fixture: its own name, names of functions, and parts of paths,
/// each of which an open store does have.
fn secrets(fixture: &str) -> Vec<Vec<u8>> {
    let open = Sandbox::new();
    open.import(fixture);
    let batch: Vec<String> = (0x1000..0x4000).map(|address| format!("{address:x}")).collect();
    let answers = open.run_with_input(
        &["resolve", "--module", fixture, "--style", "gnu", "--no-demangle", "--batch", "-"],
        batch.join("\n").as_bytes(),
    );
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    for line in answers.stdout.lines() {
        let name = line.rsplit_once(':').map_or(line, |(path, _)| path);
        secrets.extend(
            name.split('/').filter(|word| word.len() >= 5).map(|word| word.as_bytes().to_vec()),
        );
    }
    secrets.push(fixture.as_bytes().to_vec());
    secrets.sort();
    secrets.dedup();
    // Words such as `total` are in RocksDB's own settings, whatever the store holds.
    let settings = clear::text(&Sandbox::store_of(&object("c-gcc-O2-symtab.so")).store());
    secrets.retain(|word| memchr::memmem::find(&settings, word).is_none());
    // Names share their beginnings, so that not each stands there as a whole.
    let there: Vec<Vec<u8>> = clear::found(&clear::text(&open.store()), &secrets)
        .into_iter()
        .map(<[u8]>::to_vec)
        .collect();
    assert!(
        there.len() > 20 && there.contains(&fixture.as_bytes().to_vec()),
        "{} of {}",
        there.len(),
        secrets.len()
    );
    there
}

/// Every form in which a key might be written down: its digits, either case, and its bytes; any
/// quarter of it would do.
fn forms(key: &Path) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(key).unwrap();
    let digits = text.trim().rsplit(':').next().unwrap().to_lowercase();
    assert_eq!(digits.len(), 64, "a key of 256 bits");
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
    let reversed: Vec<u8> = bytes.iter().rev().copied().collect();
    let texts = [digits.clone(), digits.to_uppercase()];
    let of_texts = texts.iter().flat_map(|text| text.as_bytes().chunks(16).map(<[u8]>::to_vec));
    of_texts
        .chain([bytes, reversed].iter().flat_map(|bytes| bytes.chunks(8).map(<[u8]>::to_vec)))
        .collect()
}

/// No name, path or key is in any file of a sealed store, whatever was done to it. Each of the
/// words is in an open store.
#[test]
fn nothing_secret_is_in_any_file() {
    let sandbox = sealed();
    let words: Vec<Vec<u8>> =
        [FIXTURE, OTHER].iter().flat_map(|fixture| secrets(fixture)).collect();
    let keys: Vec<Vec<u8>> =
        ["one.key", "two.key"].iter().flat_map(|name| forms(&sandbox.path(name))).collect();
    // The forms are those of the key: its file has them.
    assert!(!clear::found(&fs::read(sandbox.path("one.key")).unwrap(), &keys).is_empty());
    let is_clean = || {
        let text = clear::text(&sandbox.store());
        assert!(text.len() > 4_000, "the store was not read");
        let found = [clear::found(&text, &words), clear::found(&text, &keys)].concat();
        assert!(
            found.is_empty(),
            "{:?}",
            found.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>()
        );
    };
    is_clean();
    assert_eq!(
        with_key(&sandbox, "one.key", &["import", "--force", object(FIXTURE).to_str().unwrap()])
            .code,
        0
    );
    assert_eq!(
        with_key(
            &sandbox,
            "one.key",
            &["key", "rotate", "--new-key-file", sandbox.path("two.key").to_str().unwrap()]
        )
        .code,
        0
    );
    is_clean();
    assert_eq!(with_key(&sandbox, "two.key", &["modules", "remove", OTHER]).code, 0);
    assert_eq!(with_key(&sandbox, "two.key", &["modules", "compact"]).code, 0);
    is_clean();
}

#[test]
fn without_its_key_a_sealed_store_tells_how_to_give_one() {
    let sandbox = sealed();
    let (one, two) = (id_of(&sandbox, "one.key"), id_of(&sandbox, "two.key"));
    let everything: [&[&str]; 5] = [
        &["modules", "list"],
        &["resolve", "--module", FIXTURE, "1146"],
        &["modules", "remove", FIXTURE],
        &["stats"],
        &["import", "--force", "x"],
    ];
    for args in everything {
        let run = sandbox.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{args:?} {}", run.stderr);
        assert!(
            run.stderr.contains(&one)
                && run.stderr.contains("--key-file")
                && run.stderr.contains("SYMTOOL_KEY"),
            "{}",
            run.stderr
        );
        let run = with_key(&sandbox, "two.key", args);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{args:?} {}", run.stderr);
        assert!(
            run.stderr.contains(&one)
                && run.stderr.contains(&two)
                && !run.stderr.contains("damaged"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(with_key(&sandbox, "one.key", &["modules", "verify"]).code, 0);
}

/// A flipped bit anywhere in the first import is damage, not a wrong key; the module whose bytes it
/// hit is named, and the other one answers.
#[test]
fn flipped_bits_are_noticed() {
    let sandbox = sealed();
    let folder = sandbox.store().join("symbols");
    let tables = || -> Vec<PathBuf> {
        let mut tables: Vec<PathBuf> = files(&folder)
            .into_iter()
            .filter(|path| path.extension().is_some_and(|ext| ext == "sst"))
            .collect();
        tables.sort();
        tables
    };
    let verify = || with_key(&sandbox, "one.key", &["modules", "verify"]);
    let answer = |module: &str, address: &str| {
        with_key(&sandbox, "one.key", &["resolve", "--module", module, "--style", "json", address])
    };
    let (intact, right, other) = (verify(), answer(FIXTURE, "1146"), answer(OTHER, "1100"));
    assert!(
        intact.code == 0 && right.stdout.contains("\"ok\"") && other.stdout.contains("\"ok\""),
        "{}",
        intact.stderr
    );
    // The blocks of the first import are in the first file.
    let table = tables()[0].clone();
    let whole = fs::read(&table).unwrap();
    let (mut noticed, mut tried) = (0, 0);
    for at in (0..whole.len()).step_by(41) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&table, bytes).unwrap();
        tried += 1;
        let run = verify();
        let told = answer(FIXTURE, "1146");
        assert!(
            run.code == 3 && run.stderr.contains("damaged") && !run.stderr.contains("key"),
            "byte {at}: {}",
            run.stderr
        );
        noticed += usize::from(run.stderr.contains(FIXTURE));
        assert!(
            told.stdout == right.stdout || told.stdout.contains("\"corrupt\"") || told.code == 3,
            "byte {at}: {}",
            told.stdout
        );
        assert_eq!(answer(OTHER, "1100").stdout, other.stdout, "byte {at}: the other module");
    }
    // What is left of the file is RocksDB's own, or a second copy.
    assert!(noticed * 3 > tried, "{noticed} of {tried}");
    fs::write(&table, &whole).unwrap();
    assert_eq!(verify().code, 0);
}

#[test]
fn keys_come_from_a_file_a_command_or_the_environment() {
    let sandbox = sealed();
    let key = sandbox.path("one.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let list = with_key(&sandbox, "one.key", &["modules", "list"]).stdout;
    assert_eq!(list.lines().count(), 2);
    let by_command =
        sandbox.run(["--key-command", &format!("cat {}", key.display()), "modules", "list"]);
    let by_variable = Run::of(
        sandbox
            .command()
            .args(["modules", "list"])
            .env("SYMTOOL_KEY", fs::read(&key).map(|key| String::from_utf8(key).unwrap()).unwrap())
            .output()
            .unwrap(),
    );
    let config = sandbox.write("s.toml", format!("key-file = \"{}\"\n", key.display()));
    let by_config = sandbox.run(["--config", config.to_str().unwrap(), "modules", "list"]);
    for run in [by_command, by_variable, by_config] {
        assert_eq!((run.code, &run.stdout), (0, &list), "{}", run.stderr);
    }
    let text = sandbox.write("text", "secret words\n");
    let bad: [(&[&str], &str); 4] = [
        (&["--key-file", "/nowhere/key"], "cannot be read"),
        (&["--key-file", text.to_str().unwrap()], "no key"),
        (&["--key-command", "false"], "failed"),
        (&["--key-command", "echo secret words"], "no key"),
    ];
    for (args, want) in bad {
        let run = sandbox.run([args, &["modules", "list"]].concat());
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(
            run.stderr.contains(want) && !run.stderr.contains("secret words\n"),
            "{}",
            run.stderr
        );
    }
    // A key that others may read is used, and said.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let run = with_key(&sandbox, "one.key", &["modules", "list"]);
    assert_eq!(run.stdout, list);
    assert!(run.stderr.contains("chmod 600"), "{}", run.stderr);
    // It is never written over.
    assert_eq!(sandbox.run(["key", "generate", key.to_str().unwrap()]).code, 1);
}

#[test]
fn a_store_is_sealed_or_open_as_a_whole() {
    let sandbox = sealed();
    let open = Sandbox::new();
    open.import(FIXTURE);
    let key = sandbox.path("one.key");
    let key = key.to_str().unwrap();
    let run = open.run(["--key-file", key, "import", object(OTHER).to_str().unwrap()]);
    assert_eq!(run.code, 3);
    assert!(
        run.stderr.contains("not sealed") && run.stderr.contains("new store"),
        "{}",
        run.stderr
    );
    let run = open.run(["--key-file", key, "modules", "list"]);
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (3, ""),
        "an open store in the place of a sealed one: {}",
        run.stderr
    );
    let run = open.run([
        "--key-file",
        key,
        "key",
        "rotate",
        "--new-key-file",
        sandbox.path("two.key").to_str().unwrap(),
    ]);
    assert_eq!(run.code, 3, "{}", run.stderr);

    // A sealed module goes into a store with its key only.
    let segment = sandbox.path("x.segment");
    let run = with_key(
        &sandbox,
        "one.key",
        &["modules", "export", FIXTURE, "-o", segment.to_str().unwrap()],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    let bytes = fs::read(&segment).unwrap();
    assert_eq!(clear::found(&bytes, &secrets(FIXTURE)), Vec::<&[u8]>::new());
    let other = Sandbox::new();
    let run = other.run(["import", segment.to_str().unwrap()]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains(&id_of(&sandbox, "one.key")), "{}", run.stderr);
    let run = other.run(["--key-file", key, "import", segment.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        other.run(["--key-file", key, "modules", "verify", object(FIXTURE).to_str().unwrap()]).code,
        0
    );
}

/// A rotation that is killed leaves a store that one of both keys opens, and the same command
/// finishes it.
#[test]
fn killed_rotations_can_be_finished() {
    let sandbox = sealed();
    let mut keys = ["one.key", "two.key"];
    let mut finished = 0;
    for moment in 0..24u64 {
        let [old, new] = keys;
        let mut command = sandbox.command();
        command
            .arg("--key-file")
            .arg(sandbox.path(old))
            .args(["key", "rotate", "--new-key-file"])
            .arg(sandbox.path(new));
        let mut child = command
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_micros(moment * 900));
        child.kill().unwrap();
        child.wait().unwrap();
        // Between its two steps both keys open the store, and what either reads is whole.
        let opens = keys.map(|key| with_key(&sandbox, key, &["modules", "verify"]).code == 0);
        assert!(opens[0] || opens[1], "moment {moment}: {opens:?}");
        let run = with_key(
            &sandbox,
            old,
            &["key", "rotate", "--new-key-file", sandbox.path(new).to_str().unwrap()],
        );
        // It is done, or was before.
        assert!(run.code == 0 || opens[1], "moment {moment}: {}", run.stderr);
        finished += u32::from(!opens[1]);
        assert_eq!(with_key(&sandbox, new, &["modules", "verify"]).code, 0, "moment {moment}");
        assert_eq!(with_key(&sandbox, old, &["modules", "verify"]).code, 3, "moment {moment}");
        keys.reverse();
    }
    assert!(finished > 0, "no rotation was killed in time");
}
