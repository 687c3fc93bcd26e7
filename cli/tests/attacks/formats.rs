//! Forged formats: an open store for a sealed one, and the other way round.

use std::fs;

use crate::support::Sandbox;
use crate::support::questions::Questions;
use crate::support::shapes::{Shape, copy, files};
use crate::support::truth::{Told, judge};
use crate::{DATABASES, NEW_MODULE, writers};

/// What FORMAT may become in the hands of somebody who wants the store to count as open.
fn forged_formats(shape: &Shape) -> Vec<(&'static str, Option<Vec<u8>>)> {
    let whole = fs::read(shape.sandbox.store().join("FORMAT")).unwrap();
    let first_line = whole.split_inclusive(|byte| *byte == b'\n').next().unwrap().to_vec();
    let open = Sandbox::in_memory();
    open.import(NEW_MODULE);
    let of_open = fs::read(open.store().join("FORMAT")).unwrap();
    let without_newline = first_line.strip_suffix(b"\n").unwrap().to_vec();
    vec![
        ("cut behind its first line", Some(first_line)),
        ("cut within its first line", Some(without_newline)),
        ("that of an open store", Some(of_open)),
        ("empty", Some(Vec::new())),
        ("gone", None),
    ]
}

/// Without the key no command reads or changes a sealed store, whatever its FORMAT is.
fn nothing_works_without_the_key(sandbox: &Sandbox, what: &str) {
    for args in writers(sandbox) {
        let run = sandbox.run_with(None, &args);
        let told = format!("{}{}", run.stdout, run.stderr);
        assert_eq!(run.code, 3, "FORMAT {what}, no key, {args:?}: {told}");
    }
    for args in [["modules", "list"], ["crash", "list"], ["modules", "verify"]] {
        let run = sandbox.run_with(None, args);
        let found = (run.code, run.stdout.as_str());
        assert_eq!(found, (3, ""), "FORMAT {what}, no key, {args:?}: {}", run.stderr);
    }
}

/// Whatever FORMAT says, a sealed store does not count as open: no command works without the key,
/// none drops anything, and with FORMAT as it was everything is there.
#[test]
fn a_forged_format_does_not_open_a_sealed_store() {
    let shape = Shape::batches(true);
    for (what, forged) in forged_formats(&shape) {
        for key in [None, shape.key.as_deref()] {
            let mut store = Questions::of(&shape);
            let format = store.sandbox.store().join("FORMAT");
            let original = fs::read(&format).unwrap();
            match &forged {
                Some(bytes) => fs::write(&format, bytes).unwrap(),
                None => fs::remove_file(&format).unwrap(),
            }
            if key.is_none() {
                nothing_works_without_the_key(&store.sandbox, what);
            } else {
                // With the key, each refuses or works; none stores in clear, or loses what the key
                // opens.
                let args = &writers(&store.sandbox)[..4];
                let codes: Vec<i32> = args
                    .iter()
                    .map(|args| {
                        store.run(&args.iter().map(String::as_str).collect::<Vec<_>>()).code
                    })
                    .collect();
                assert!(
                    codes.iter().all(|code| *code == 0 || *code == 3),
                    "FORMAT {what}, with the key: {codes:?}"
                );
            }
            let is_clear = files(&store.sandbox.store()).iter().any(|file| {
                let bytes = fs::read(store.sandbox.store().join(file)).unwrap();
                bytes.windows(9).any(|part| part == b"libsecret")
            });
            assert!(!is_clear, "FORMAT {what}: a report was stored in clear");
            fs::write(&format, original).unwrap();
            let resolved = store.resolve();
            let all_right =
                judge(&resolved, &shape.known()).iter().all(|told| *told == Told::Right);
            assert!(all_right, "FORMAT {what}, then as it was: {}", resolved.stderr);
            let verified = store.run(&["modules", "verify"]);
            assert_eq!(
                verified.code, 0,
                "FORMAT {what}, then as it was: {}{}",
                verified.stdout, verified.stderr
            );
        }
    }
}

/// A key says that the store is sealed: an open one in its place is not believed.
#[test]
fn an_open_store_in_place_of_a_sealed_one_is_refused() {
    let (sealed, open) = (Shape::singles(true), Shape::singles(false));
    let forged = Sandbox::in_memory();
    copy(&open.sandbox.store(), &forged.store());
    let commands: [&[&str]; 6] = [
        &["modules", "list"],
        &["modules", "verify"],
        &["resolve", "--module", "cpp-gcc-O2-dwarf5.so", "1146"],
        &["crash", "list"],
        &["groups", "list"],
        &["stats"],
    ];
    for args in commands {
        let run = forged.run_with(sealed.key.as_deref(), args);
        assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{args:?}: {}", run.stderr);
        assert!(
            run.stderr.contains("without a key") || run.stderr.contains("not sealed"),
            "{args:?}: {}",
            run.stderr
        );
    }
}

/// Each database of an open store, with all that it needs, in the place of a sealed store's.
#[test]
fn an_open_database_in_a_sealed_store_is_refused() {
    for database in DATABASES {
        for with_ack in [false, true] {
            let (sealed, open) = (Shape::singles(true), Shape::singles(false));
            let mut store = Questions::of(&sealed);
            let target = store.sandbox.store().join(database);
            fs::remove_dir_all(&target).unwrap();
            copy(&open.sandbox.store().join(database), &target);
            let ack = open.sandbox.store().join(format!("{database}.ack"));
            if with_ack && ack.exists() {
                fs::copy(ack, store.sandbox.store().join(format!("{database}.ack"))).unwrap();
            }
            let args: &[&str] =
                if database == "crashes" { &["crash", "list"] } else { &["modules", "list"] };
            let run = store.run(args);
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (3, ""),
                "{database}, {with_ack}: {}",
                run.stderr
            );
            let verified = store.run(&["modules", "verify"]);
            assert_ne!(verified.code, 0, "{database}, {with_ack}: {}", verified.stdout);
        }
    }
}

/// The other way round: what is sealed is not read as if it were open, and not dropped either.
#[test]
fn a_sealed_database_in_an_open_store_is_refused() {
    let (sealed, open) = (Shape::singles(true), Shape::singles(false));
    for database in DATABASES {
        let forged = Sandbox::in_memory();
        copy(&open.sandbox.store(), &forged.store());
        fs::remove_dir_all(forged.store().join(database)).unwrap();
        copy(&sealed.sandbox.store().join(database), &forged.store().join(database));
        for args in [
            &["modules", "verify"][..],
            if database == "crashes" { &["crash", "list"] } else { &["modules", "list"] },
        ] {
            let run = forged.run_with(None, args);
            assert_ne!(run.code, 0, "{database}, {args:?}: {}", run.stdout);
        }
    }
}
