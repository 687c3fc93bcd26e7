//! Texts with traces in them, as Java, Android and logging libraries print them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

#[path = "retrace_rows/mod.rs"]
mod rows;

use rows::{Rows, check};
use symtool_mapping::{Retrace, RetraceStyle};

/// R8: without metadata the file is the class's, with the extension that was printed.
#[test]
fn file_names() {
    let mapping = "com.a.Main -> x:\ncom.a.MainKt -> y:\n";
    for (printed, file) in [
        ("App:800", "Main.java:800"),
        ("Native Method", "Native Method"),
        ("Main.java:", "Main.java"),
        ("X.kt:1", "Main.kt:1"),
        ("X.foo", "Main.java"),
        ("", "Main.java"),
        ("Unknown Source:12", "Main.java:12"),
        ("SourceFile:0", "Main.java"),
        (":foo::bar:1", "Main.java:1"),
    ] {
        check(
            mapping,
            &format!("    at x.main({printed})\n"),
            &format!("    at com.a.Main.main({file})\n"),
        );
    }
    check(
        mapping,
        "  at y.main(SourceFile:3)\n  at y.main(X.java:3)\n",
        "  at com.a.MainKt.main(Main.kt:3)\n  at com.a.MainKt.main(MainKt.java:3)\n",
    );
}

/// The words that Java prints around exceptions.
#[test]
fn exceptions() {
    let mapping = "com.a.Failure -> a.b:\ncom.a.Main -> c:\n";
    for (line, want) in [
        ("a.b", "com.a.Failure"),
        ("a.b: text: more", "com.a.Failure: text: more"),
        (
            "Exception in thread \"main\" a.b: text",
            "Exception in thread \"main\" com.a.Failure: text",
        ),
        ("Caused by: a.b", "Caused by: com.a.Failure"),
        ("\tSuppressed: a.b: text", "\tSuppressed: com.a.Failure: text"),
        ("        [CIRCULAR REFERENCE: a.b]", "        [CIRCULAR REFERENCE: com.a.Failure]"),
        (
            "        [CIRCULAR REFERENCE: a.b: text]",
            "        [CIRCULAR REFERENCE: com.a.Failure: text]",
        ),
        ("        [CIRCULAR REFERENCE: a.b] ", "        [CIRCULAR REFERENCE: com.a.Failure] "),
        ("        [CIRCULAR REFERENCE: a.b", "        [CIRCULAR REFERENCE: com.a.Failure"),
        ("        [CIRCULAR REFERENCE: a.b x]", "        [CIRCULAR REFERENCE: a.b x]"),
        ("        [CIRCU:a.b]", "        [CIRCU:a.b]"),
        ("\t... 4 more", "\t... 4 more"),
        // Who threw it comes before what it says.
        ("a.b: something: c", "com.a.Failure: something: c"),
        (
            "java.lang.RuntimeException: a.b: text",
            "java.lang.RuntimeException: com.a.Failure: text",
        ),
        ("a.b was here", "a.b was here"),
        ("net::a.b, x", "net::a.b, x"),
    ] {
        check(mapping, &format!("{line}\n"), &format!("{want}\n"));
    }
}

/// D8 begins names with a hyphen, and synthetic methods too.
#[test]
fn names_with_hyphens() {
    let mapping = "org.shop.-$$Lambda$Main$x -> org.shop.-$$Lambda$Main$x:
    1:1:void org.shop.Main.lambda$run$0():19:19 -> onClick
    1:1:void onClick():0 -> onClick
org.shop.Main -> -.b:
    void go() -> -$$Nest$a
";
    check(
        mapping,
        "\tat org.shop.-$$Lambda$Main$x.onClick(lambda:1)\n\tat -.b.-$$Nest$a(SourceFile)\nCaused by: -.b: x\n",
        "\tat org.shop.Main.lambda$run$0(Main.java:19)\n\tat org.shop.-$$Lambda$Main$x.onClick(-.java)\n\tat org.shop.Main.go(Main.java)
Caused by: org.shop.Main: x\n",
    );
}

/// What browsers, chats and word processors make of blanks.
#[test]
fn blanks_of_unicode() {
    let mapping = "com.a.Failure -> a.b:\ncom.a.Main -> c:\n    1:1:void run():5:5 -> d\n";
    for blank in [
        "\u{a0}",
        "\u{a0}\u{a0} ",
        "\u{2003}",
        "\u{3000}",
        "\u{feff}",
        "\u{200b}\u{200e}",
        "\u{202f}",
    ] {
        check(
            mapping,
            &format!(
                "Caused by:{blank}a.b{blank}\n{blank}at c.d(SourceFile:1)\n\tat{blank}c.d(SourceFile:1){blank}\n  at c.d{blank}(X:1){blank}~[x.jar]\n"
            ),
            &format!(
                "Caused by:{blank}com.a.Failure{blank}\n{blank}at com.a.Main.run(Main.java:5)\n\tat{blank}com.a.Main.run(Main.java:5){blank}
  at com.a.Main.run{blank}(Main.java:5){blank}~[x.jar]\n"
            ),
        );
    }
    check(
        mapping,
        "• at c.d(X:1)\n…at c.d(X:1)\néat c.d(X:1)\n",
        "• at com.a.Main.run(Main.java:5)\n…at com.a.Main.run(Main.java:5)\néat c.d(X:1)\n",
    );
}

/// What exceptions say has names of classes too.
#[test]
fn classes_in_messages() {
    let mapping = "com.a.Cart -> a.b:\ncom.a.Item -> a.b$c:\ncom.a.Short -> e.g:\n";
    for (line, want) in [
        (
            "java.lang.ClassCastException: a.b cannot be cast to a.b$c",
            "java.lang.ClassCastException: com.a.Cart cannot be cast to com.a.Item",
        ),
        (
            "Caused by: java.lang.ClassCastException: class a.b cannot be cast to class [La.b$c; (a.b is in module x)",
            "Caused by: java.lang.ClassCastException: class com.a.Cart cannot be cast to class [Lcom.a.Item; (com.a.Cart is in module x)",
        ),
        (
            "java.lang.NoClassDefFoundError: Failed resolution of: La/b;",
            "java.lang.NoClassDefFoundError: Failed resolution of: Lcom/a/Cart;",
        ),
        ("java.lang.NoClassDefFoundError: a/b$c", "java.lang.NoClassDefFoundError: com/a/Item"),
        (
            "a.b: use a.b, e.g. this, or e.g.",
            "com.a.Cart: use com.a.Cart, e.g. this, or com.a.Short.",
        ),
        // No exception.
        ("loaded: a.b of x", "loaded: a.b of x"),
        ("x a.b y", "x a.b y"),
    ] {
        check(mapping, &format!("{line}\n"), &format!("{want}\n"));
    }
}

/// Java methods in the native stacks of Android.
#[test]
fn native_stacks() {
    let mapping = "com.a.Main -> a.b:\n    1:3:void run():7:9 -> c\n    void one() -> d\n    void other() -> d\n";
    check(
        mapping,
        "      #00 pc 51234  /apex/lib64/bionic/libc.so (abort+164) (BuildId: 4e07)
      #01 pc 1a2b3c  [anon:dalvik-classes.dex extracted in memory from /data/app/base.apk] (a.b.c+12)
      #02 pc 201234  /data/app/oat/arm64/base.odex (a.b.d+60) (BuildId: 00aa)
      #03 pc 201234  /data/app/oat/arm64/base.odex (q.b.d+60)
",
        "      #00 pc 51234  /apex/lib64/bionic/libc.so (abort+164) (BuildId: 4e07)
      #01 pc 1a2b3c  [anon:dalvik-classes.dex extracted in memory from /data/app/base.apk] (com.a.Main.run+12)
      #02 pc 201234  /data/app/oat/arm64/base.odex (com.a.Main.one+60) (BuildId: 00aa)
      <OR> #02 pc 201234  /data/app/oat/arm64/base.odex (com.a.Main.other+60) (BuildId: 00aa)
      #03 pc 201234  /data/app/oat/arm64/base.odex (q.b.d+60)
",
    );
}

/// Modules, class loaders and jars, as Java's `StackTraceElement` and logging libraries print them.
#[test]
fn modules_and_jars() {
    let mapping = "com.a.Loader -> classloader.a:\ncom.a.Main -> a:\n  101:101:void main(java.lang.String[]):1:1 -> a\n";
    for (line, want) in [
        (
            "\tat classloader.a/named@9.0/a.a(:101)",
            "\tat classloader.a/named@9.0/com.a.Main.main(Main.java:1)",
        ),
        ("\tat app//a.a(X.java:101)", "\tat app//com.a.Main.main(Main.java:1)"),
        (
            "\tat a.a(X.java:101) ~[store.jar:1.2]",
            "\tat com.a.Main.main(Main.java:1) ~[store.jar:1.2]",
        ),
        ("\tat a.a(X.java:101) [store.jar:?]", "\tat com.a.Main.main(Main.java:1) [store.jar:?]"),
        ("\tat a.a(X.java:101)   ", "\tat com.a.Main.main(Main.java:1)   "),
        ("\tat a.a (X.java:101)", "\tat com.a.Main.main (Main.java:1)"),
        ("\tat a.a(X.java:101) and more", "\tat a.a(X.java:101) and more"),
        ("\tat a.a(X.java:101", "\tat a.a(X.java:101"),
        ("\tat a(X.java:101)", "\tat a(X.java:101)"),
        ("\tcat a.a(X.java:101)", "\tcat a.a(X.java:101)"),
    ] {
        check(mapping, &format!("{line}\n"), &format!("{want}\n"));
    }
}

/// Prefixes of logcat's formats stay; a frame that stands for several has the prefix on each line.
#[test]
fn logcat() {
    let mapping = "com.a.Failure -> a.b:\ncom.a.Main -> x:\n    1:1:void inner():5:5 -> a\n    1:1:void outer():9 -> a\n    void p() -> q\n    void r() -> q\n";
    for prefix in [
        "06-01 12:00:00.123  1234  1250 E AndroidRuntime: ",
        "E/AndroidRuntime( 1234): ",
        "E/AndroidRuntime: ",
        "06-01 12:00:00.123 E/A( 99): ",
    ] {
        check(
            mapping,
            &format!("{prefix}FATAL EXCEPTION: main\n{prefix}a.b: text\n{prefix}\tat x.a(SourceFile:1)\n{prefix}\tat x.q(SourceFile)\n"),
            &format!(
                "{prefix}FATAL EXCEPTION: main\n{prefix}com.a.Failure: text\n{prefix}\tat com.a.Main.inner(Main.java:5)
{prefix}\tat com.a.Main.outer(Main.java:9)\n{prefix}\tat com.a.Main.p(Main.java)\n{prefix}\t<OR> at com.a.Main.r(Main.java)\n"
            ),
        );
    }
}

/// What Android writes when an application does not answer.
#[test]
fn threads_that_do_not_answer() {
    let mapping = "com.a.Main -> a.b:\n    12:12:void work():40:40 -> c\n";
    check(
        mapping,
        "\"main\" prio=5 tid=1 Blocked
  | group=\"main\" sCount=1 ucsCount=0 flags=1 obj=0x72a8 self=0xb4
  native: #00 pc 0000000000053510  /apex/lib64/bionic/libc.so (syscall+32)
  at a.b.c(SourceFile:12)
  - waiting to lock <0x0a1b2c3d> (a a.b) held by thread 21
  - locked <0x0a1b2c3d> (a a.b)
  - locked <0x0a1b2c3e> (a java.lang.Class<a.b>)
  - locked <0x0a1b2c3f> (a a.b[])
  at java.lang.Thread.sleep(Native method)
",
        "\"main\" prio=5 tid=1 Blocked
  | group=\"main\" sCount=1 ucsCount=0 flags=1 obj=0x72a8 self=0xb4
  native: #00 pc 0000000000053510  /apex/lib64/bionic/libc.so (syscall+32)
  at com.a.Main.work(Main.java:40)
  - waiting to lock <0x0a1b2c3d> (a com.a.Main) held by thread 21
  - locked <0x0a1b2c3d> (a com.a.Main)
  - locked <0x0a1b2c3e> (a java.lang.Class<com.a.Main>)
  - locked <0x0a1b2c3f> (a com.a.Main[])
  at java.lang.Thread.sleep(Native method)
",
    );
}

/// What is no trace stays as it is: blanks, ends of lines, bytes that are no text.
#[test]
fn other_text_passes() {
    let mapping = "com.a.Main -> a.b:\n    void m() -> c\n";
    let text: &[u8] = b"\xff\xfe a.b \r\n\r\n\tat a.\xff.c(X:1)\n\tat q.c(SourceFile:1)\r\n\x00\x01: \x02\nat\n at \n(\n))(\n\tat a.b.c(\xff:1)\r\nend without end";
    let want: &[u8] =
        b"\xff\xfe a.b \r\n\r\n\tat a.\xff.c(X:1)\n\tat q.c(SourceFile:1)\r\n\x00\x01: \x02\nat\n at \n(\n))(\n\tat com.a.Main.m(Main.java:1)\r\nend without end";
    for size in [1, 2, 7, text.len()] {
        let mut retrace = Retrace::new(Rows::of(mapping), RetraceStyle::R8);
        let mut out = Vec::new();
        for piece in text.chunks(size) {
            retrace.text(piece, &mut out).unwrap();
        }
        retrace.finish(&mut out).unwrap();
        assert_eq!(out.escape_ascii().to_string(), want.escape_ascii().to_string(), "{size}");
    }
}

/// Lines over the limit pass, and the next one is read again.
#[test]
fn long_lines_pass() {
    let long = format!("{}\tat a.b.c(X:1)", "x".repeat(70_000));
    let text = format!("{long}\n\tat a.b.c(X:1)\n{long}");
    let want = format!("{long}\n\tat com.a.Main.m(Main.java:1)\n{long}");
    let mut retrace =
        Retrace::new(Rows::of("com.a.Main -> a.b:\n    void m() -> c\n"), RetraceStyle::R8);
    let mut out = Vec::new();
    for piece in text.as_bytes().chunks(4096) {
        retrace.text(piece, &mut out).unwrap();
    }
    retrace.finish(&mut out).unwrap();
    assert!(out == want.as_bytes());
}
