//! R8's `--regex`, with the expressions, and the lines that come of them, of R8's own
//! `StackTraceRegularExpressionParserTests`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

#[path = "retrace_rows/mod.rs"]
mod rows;

use rows::check_pattern;

/// R8's default, without what is ours.
const DEFAULT: &str =
    r#"(?:.*?\bat\s+%c\.%m\s*\(%S\)\p{Z}*(?:~\[.*\])?)|(?:(?:(?:%c|.*)?[:"]\s+)?%c(?::.*)?)"#;

#[test]
fn classes() {
    let mapping = "AA.AA.AA -> a.a.a:\nBB.BB.BB -> b.b.b:\n";
    // A percent sign is no class.
    check_pattern(
        r"foo\%c",
        mapping,
        "fooa.a.a\nfoo%c\n",
        ("fooa.a.a\nfoo%c\n", "fooa.a.a\nfoo%c\n"),
    );
    // Of several classes the first.
    check_pattern(r"%c\s%c", mapping, "a.a.a b.b.b\n", ("AA.AA.AA b.b.b\n", "AA.AA.AA b.b.b\n"));
    check_pattern(r"%C\s%C", mapping, "a/a/a b/b/b\n", ("AA/AA/AA b/b/b\n", "AA/AA/AA b/b/b\n"));
    check_pattern(
        r"(?:.*, %c,.*)",
        mapping,
        " 0.057, 66.3, a.a.a, 0, 6\nx\n",
        (" 0.057, 66.3, AA.AA.AA, 0, 6\nx\n", " 0.057, 66.3, AA.AA.AA, 0, 6\nx\n"),
    );
}

#[test]
fn methods() {
    let mapping = "lamp.R -> a.b.c:\n  void foo() -> a\n";
    check_pattern("a.b.c.%m", mapping, "a.b.c.a\n", ("a.b.c.a\n", "a.b.c.a\n"));
    check_pattern(
        "%c.%m",
        mapping,
        "a.b.c.a\na.b.c.z\n",
        ("lamp.R.foo\nlamp.R.z\n", "lamp.R.void foo()\nlamp.R.z\n"),
    );
}

#[test]
fn files_and_lines() {
    let mapping = "lamp.R -> a.b.c:\n  3:3:boolean foo():7 -> a\n  4:4:boolean bar(int):8 -> a\n";
    check_pattern(
        r"%c\(%s\)",
        mapping,
        "a.b.c(SourceFile)\na.b.d(SourceFile)\n",
        ("lamp.R(R.java)\na.b.d(SourceFile)\n", "lamp.R(R.java)\na.b.d(SourceFile)\n"),
    );
    check_pattern(
        r"%c\.%m\(%l\)",
        mapping,
        "a.b.c.a(3)\na.b.c.a(42)\n",
        ("lamp.R.foo(7)\nlamp.R.a(42)\n", "lamp.R.boolean foo()(7)\nlamp.R.a(42)\n"),
    );
    let one = "lamp.R -> a.b.c:\n  3:3:boolean foo():7 -> a\n";
    check_pattern(
        r"%c\.%m\(%l\)",
        one,
        "a.b.c.a()\n",
        ("lamp.R.foo()\n", "lamp.R.boolean foo()()\n"),
    );
    let without = "lamp.R -> a.b.c:\n  boolean foo() -> a\n";
    check_pattern(
        r"%c\.%m\(%l\)",
        without,
        "a.b.c.a(4)\n",
        ("lamp.R.foo(4)\n", "lamp.R.boolean foo()(4)\n"),
    );
    let mapping = "lamp.Main -> ii2:\n  void test() -> p\n";
    check_pattern(
        r"\S* \(%s: 70\) %c.%m",
        mapping,
        "0xff (some-bundle.aab-canary-42: 70) ii2.p\n",
        ("0xff (Main.java: 70) lamp.Main.test\n", "0xff (Main.java: 70) lamp.Main.void test()\n"),
    );
    let mapping =
        "this.was.Lamp -> FOO:\n    int[] mFontFamily -> a\n    1:3:void light(int):65:67 -> bar\n";
    check_pattern(
        r"(?:(?:.*?%c %m\(%s\s*:\s*%l\s*\)))",
        mapping,
        "FOO bar(PG: 1)\nFOO bar(PG : 1)\nFOO bar(PG:1)\nFOO bar(PG:1 )\n",
        (
            "this.was.Lamp light(Lamp.java: 65)\nthis.was.Lamp light(Lamp.java: 65)\nthis.was.Lamp light(Lamp.java:65)\nthis.was.Lamp light(Lamp.java:65 )\n",
            "this.was.Lamp void light(int)(Lamp.java: 65)\nthis.was.Lamp void light(int)(Lamp.java: 65)\nthis.was.Lamp void light(int)(Lamp.java:65)\nthis.was.Lamp void light(int)(Lamp.java:65 )\n",
        ),
    );
}

#[test]
fn types() {
    check_pattern(
        "%t",
        "",
        "void\na.a.a[]\na.a.a[][][]\n",
        ("void\na.a.a[]\na.a.a[][][]\n", "void\na.a.a[]\na.a.a[][][]\n"),
    );
    let mapping = "lamp.D -> a.a.a:\nlamp.R -> a.b.c:\n  void foo() -> a\n  lamp.D[] bar() -> b\n";
    check_pattern(
        "%t %c.%m",
        mapping,
        "void a.b.c.a\na.a.a[] a.b.c.b\n",
        (
            "void lamp.R.foo\nlamp.D[] lamp.R.bar\n",
            "void lamp.R.void foo()\nlamp.D[] lamp.R.lamp.D[] bar()\n",
        ),
    );
    let mapping = "lamp.D -> a.a.a:\nlamp.R -> a.b.c:\n  void foo(int,original.signature) -> a\n";
    check_pattern(
        r"%c.%m\(%a\)",
        mapping,
        "a.b.c.a(int,a.a.a[], a.a.a,  a.b.c)\na.b.c.a()\n",
        (
            "lamp.R.foo(int,lamp.D[], lamp.D,  lamp.R)\nlamp.R.foo()\n",
            "lamp.R.void foo(int,original.signature)(int,lamp.D[], lamp.D,  lamp.R)\nlamp.R.void foo(int,original.signature)()\n",
        ),
    );
}

#[test]
fn alternatives_escapes_and_the_default() {
    let mapping = "foo.Bar -> huk:\n  void baz():13:13 -> g\n  void qux():12:12 -> g\n";
    check_pattern(
        r".*FOO\s+:\s+\[\d+\]\s+%c\.%m\(%l\):.*",
        mapping,
        "12-24 19:53:19.052 10197 30302 I FOO : [2] huk.g(1): getDownloads()\n",
        (
            "12-24 19:53:19.052 10197 30302 I FOO : [2] foo.Bar.baz(13): getDownloads()\n<OR> 12-24 19:53:19.052 10197 30302 I FOO : [2] foo.Bar.qux(12): getDownloads()\n",
            "12-24 19:53:19.052 10197 30302 I FOO : [2] foo.Bar.void baz()(13): getDownloads()\n<OR> 12-24 19:53:19.052 10197 30302 I FOO : [2] foo.Bar.void qux()(12): getDownloads()\n",
        ),
    );
    let mapping = "lamp.Bar -> lamp.Foo:\n  1:1:void m():13:13 -> a\n";
    check_pattern(
        r"\%c\\%c\\\%c.%m\(\\%S\)\\\%S",
        mapping,
        "%c\\lamp.Foo\\%c.a(\\SourceFile:1)\\%S\n",
        (
            "%c\\lamp.Bar\\%c.m(\\Bar.java:13)\\%S\n",
            "%c\\lamp.Bar\\%c.void m()(\\Bar.java:13)\\%S\n",
        ),
    );
    let mapping = "lamp.R -> lamp.a:\nlamp.Bar -> lamp.b:\n  void foo() -> a\nlamp.Baz -> a.c.a:\n  void bar() -> b\n";
    check_pattern(
        DEFAULT,
        mapping,
        "lamp.a: foo bar baz\n  at lamp.b.a(SourceFile)\n  at a.c.a.b(SourceFile)\nCaused by: lamp.a\nSuppressed: lamp.a: x\n",
        (
            "lamp.R: foo bar baz\n  at lamp.Bar.foo(Bar.java)\n  at lamp.Baz.bar(Baz.java)\nCaused by: lamp.R\nSuppressed: lamp.R: x\n",
            "lamp.R: foo bar baz\n  at lamp.Bar.void foo()(Bar.java)\n  at lamp.Baz.void bar()(Baz.java)\nCaused by: lamp.R\nSuppressed: lamp.R: x\n",
        ),
    );
}
