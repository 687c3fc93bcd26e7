//! Static libraries, thin and damaged ones, and objects in them.

use std::fs;

use crate::support::archives::{DEFLATED, STORED, ar, bsd_ar, thin_ar, zip};
use crate::support::{Sandbox, json_lines, object, without_build_id};
use crate::{FIXTURE, OTHER, expected, fixture, import, modules, statuses};

#[test]
fn members_of_libraries() {
    let long = "a-name-of-more-than-sixteen-bytes.o";
    let (first, second) = (fixture(FIXTURE), fixture(OTHER));
    // A name of odd length puts the contents where no number is aligned.
    let members: [(&str, &[u8]); 3] = [(long, &first), ("odd.o", &second), ("notes.txt", b"text")];
    for (name, archive) in [("libgnu.a", ar(&members)), ("libbsd.a", bsd_ar(&members))] {
        let sandbox = Sandbox::new();
        let run = import(&sandbox, name, &archive);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        let want = [format!("{name}({long})"), format!("{name}(odd.o)")];
        assert_eq!(statuses(&sandbox, &run), want.map(|path| (path, "imported".to_owned())));
        let lines = json_lines(&run.stdout);
        assert_eq!((&lines[0]["module"]["name"], &lines[2]["skipped"]), (&long.into(), &1.into()));
        assert_eq!(modules(&sandbox), expected(&[FIXTURE, OTHER]));
    }
}

#[test]
fn damaged_libraries() {
    let whole = ar(&[("first.o", &fixture(FIXTURE)), ("second.o", &fixture(OTHER))]);
    let sandbox = Sandbox::new();
    let run = import(&sandbox, "cut.a", &whole[..whole.len() - 100]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("cut.a(second.o): damaged archive (it reaches beyond the archive)"),
        "{}",
        run.stderr
    );
    assert_eq!(modules(&sandbox), expected(&[FIXTURE]));
    let mut broken = whole.clone();
    // The second member's header.
    let second = 8 + 60 + fixture(FIXTURE).len().next_multiple_of(2);
    broken[second + 58] = b'x';
    let sandbox = Sandbox::new();
    let run = import(&sandbox, "broken.a", &broken);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("broken.a: damaged archive (Invalid archive terminator)"),
        "{}",
        run.stderr
    );
    assert_eq!(modules(&sandbox), expected(&[FIXTURE]));
}

/// An object without a symbol: in a library data only, elsewhere a file that was stripped.
#[test]
fn objects_without_code_are_passed_over_in_libraries() {
    let stripped = fixture("macho-image-armv7-stripped");
    let sandbox = Sandbox::new();
    let run =
        import(&sandbox, "lib.a", &ar(&[("data.o", &stripped), ("code.o", &fixture(FIXTURE))]));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(json_lines(&run.stdout)[1]["skipped"], 1);
    let run = import(&sandbox, "app.apk", &zip(&[("lib.so", DEFLATED, &stripped)]));
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("app.apk!lib.so: neither debug data nor function symbols"),
        "{}",
        run.stderr
    );
}

#[test]
fn thin_archives_have_their_members_beside_them() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("build/obj")).unwrap();
    let (first, second) = (fixture(FIXTURE), fixture(OTHER));
    sandbox.write("build/obj/first.o", &first);
    sandbox.write("build/second.o", &second);
    let archive = thin_ar(&[
        ("obj/first.o", &first),
        ("missing.o", b"x"),
        ("second.o", &second),
        ("lib.a", b"x"),
    ]);
    let run = import(&sandbox, "build/lib.a", &archive);
    assert_eq!(run.code, 1);
    let want = [
        ("build/lib.a(obj/first.o)", "imported"),
        ("build/lib.a(missing.o)", "failed"),
        ("build/lib.a(second.o)", "imported"),
        ("build/lib.a(lib.a)", "failed"),
    ];
    assert_eq!(
        statuses(&sandbox, &run),
        want.map(|(path, status)| (path.to_owned(), status.to_owned()))
    );
    assert!(
        run.stderr.contains("build/missing.o cannot be read (No such file")
            && run.stderr.contains("thin"),
        "{}",
        run.stderr
    );
    assert_eq!(json_lines(&run.stdout)[0]["module"]["name"], "first.o");
    assert_eq!(modules(&sandbox), expected(&[FIXTURE, OTHER]));
    // Packed without its members.
    let run = import(&sandbox, "build/lib.zip", &zip(&[("lib.a", STORED, &archive)]));
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains(
            "lib.zip!lib.a(obj/first.o): its file obj/first.o cannot be read (which was not packed)"
        ),
        "{}",
        run.stderr
    );
}

#[test]
fn archives_without_objects() {
    let sandbox = Sandbox::new();
    for (name, archive) in [
        ("empty.zip", zip(&[])),
        ("text.zip", zip(&[("notes.txt", DEFLATED, b"text")])),
        ("in.zip", zip(&[("text.zip", DEFLATED, &zip(&[("notes.txt", DEFLATED, b"text")]))])),
        ("empty.a", ar(&[])),
    ] {
        let run = import(&sandbox, name, &archive);
        assert_eq!(run.code, 1);
        assert!(
            run.stderr.contains(&format!("{name}: no object files in this archive; pass")),
            "{}",
            run.stderr
        );
    }
    assert!(!sandbox.store().exists());
    // In a folder they are files like others.
    let run = sandbox.run([
        "import",
        "--json",
        sandbox.path("").to_str().unwrap(),
        object(FIXTURE).to_str().unwrap(),
    ]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("no object files in this folder"), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

/// Objects of a library have no build-id, and there can be thousands.
#[test]
fn a_library_of_many_members() {
    let sandbox = Sandbox::new();
    let contents: Vec<(String, Vec<u8>)> = (0..300)
        .map(|number| (format!("part-{number}.o"), without_build_id("c-gcc-O2-dynsym.so", number)))
        .collect();
    let members: Vec<(&str, &[u8])> =
        contents.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let run = import(&sandbox, "lib.a", &ar(&members));
    assert_eq!(run.code, 0, "{}", run.stderr);
    let summary = json_lines(&run.stdout).pop().unwrap();
    assert_eq!((&summary["imported"], &summary["unchanged"]), (&300.into(), &0.into()));
    assert!(modules(&sandbox).iter().all(|module| module["id_made_up"] == true));
}
