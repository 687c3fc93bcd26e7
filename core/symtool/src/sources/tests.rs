//! Which file a path leads to, and which it never leads to.

use std::fs;
use std::path::PathBuf;

use super::*;

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("src/app/main.c", "one\ntwo\r\nthree");
    write("src/main.c", "other\n");
    write("secret", "hidden\n");
    folder
}

fn lines(sources: &Sources, file: &str) -> Option<Vec<String>> {
    sources.around(file, 2, 1).or_else(|| sources.around(file, 1, 0)).map(|found| found.lines)
}

#[test]
fn files_in_folders() {
    let folder = folder();
    let sources = Sources::open(&[folder.path().join("src")], Vec::new()).unwrap();
    let main = Some(vec!["one".to_owned(), "two".to_owned(), "three".to_owned()]);
    for file in ["/ci/app/main.c", "C:\\ci\\app\\main.c", "app/./x/../main.c", "app/main.c"] {
        assert_eq!(lines(&sources, file), main, "{file}");
    }
    assert_eq!(lines(&sources, "/ci/src/main.c"), Some(vec!["other".to_owned()]));
    // A name alone may be any file's.
    assert_eq!(lines(&sources, "/ci/lib/main.c"), None);
    for file in ["../secret", "/ci/../../secret", "app/../../secret", "", "/", "app"] {
        assert_eq!(lines(&sources, file), None, "{file}");
    }
}

#[test]
fn folders_that_have_other_names() {
    let folder = folder();
    let map = |from: &str, to: &str| PathMap { from: from.into(), to: to.into() };
    let src = folder.path().join("src");
    let maps = vec![map("/ci/lib", "app"), map("D:\\other", src.to_str().unwrap())];
    let sources = Sources::open(std::slice::from_ref(&src), maps).unwrap();
    assert_eq!(lines(&sources, "/ci/lib/main.c").unwrap().len(), 3);
    assert_eq!(lines(&sources, "d:/other/app/main.c").unwrap().len(), 3);
    assert_eq!(lines(&sources, "d:/other/../secret"), None);
    assert_eq!(lines(&sources, "/ci/library/main.c"), None);
}

#[cfg(unix)]
#[test]
fn links_lead_nowhere_else() {
    let folder = folder();
    let src = folder.path().join("src");
    std::os::unix::fs::symlink(folder.path().join("secret"), src.join("app/link.c")).unwrap();
    std::os::unix::fs::symlink("main.c", src.join("app/near.c")).unwrap();
    let sources = Sources::open(&[src], Vec::new()).unwrap();
    assert_eq!(lines(&sources, "/ci/app/link.c"), None);
    assert_eq!(lines(&sources, "/ci/app/near.c").unwrap().len(), 3);
}

#[test]
fn lines_around_a_line() {
    let folder = folder();
    let sources = Sources::open(&[folder.path().join("src")], Vec::new()).unwrap();
    let around = |line, around| {
        let found = sources.around("app/main.c", line, around)?;
        Some((found.first_line, found.lines.join(" ")))
    };
    let some = |first: u32, text: &str| Some((first, text.to_owned()));
    assert_eq!(around(1, 0), some(1, "one"));
    assert_eq!(around(3, 1), some(2, "two three"));
    assert_eq!(around(2, u32::MAX), some(1, "one two three"));
    assert_eq!((around(0, 1), around(4, 3), around(u32::MAX, 1)), (None, None, None));
}

#[test]
fn text_in_debug_data() {
    let testdata = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/sources");
    for name in ["embedded.so", "injected.pdb"] {
        let sources = Sources::open(&[testdata.join(name)], Vec::new()).unwrap();
        let found = sources.around("/src/lamp.c", 3, 0).unwrap();
        assert_eq!((found.first_line, found.lines), (3, vec!["int wicks;".to_owned()]), "{name}");
    }
    assert!(Sources::open(&[testdata.join("lamp.c")], Vec::new()).is_err());
}
