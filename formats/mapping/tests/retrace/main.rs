//! Frames through small mappings, one test for each feature that R8's `retrace` documents.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

mod outlines;
#[path = "../retrace_rows/mod.rs"]
mod rows;

use rows::{Rows, check};
use symtool_mapping::{Context, Query, Retrace, RetraceStyle};

/// R8: a line that the trace does not have is added where there is but one, and a method without
/// range keeps the trace's.
#[test]
fn original_lines_without_obfuscated_ones() {
    let mapping = "com.a.Main -> x:
    void one(long):1:1 -> a
    void only(int):3 -> b
    void zero():0:0 -> c
    void zeroed():0 -> d
    void renamed() -> e
    void several(int):42:44 -> f
";
    check(
        mapping,
        "\tat x.a(A.dummy:0)\n\tat x.b(A.dummy:2)\n\tat x.c(A.dummy:8)\n\tat x.d(A.dummy:7)\n\tat x.e(A.dummy:5)\n\tat x.e(A)\n",
        "\tat com.a.Main.one(Main.java:1)\n\tat com.a.Main.only(Main.java:3)\n\tat com.a.Main.zero(Main.java)\n\tat com.a.Main.zeroed(Main.java)
\tat com.a.Main.renamed(Main.java:5)\n\tat com.a.Main.renamed(Main.java)\n",
    );
    check(mapping, "\tat x.b(Unknown Source)\n", "\tat com.a.Main.only(Main.java:3)\n");
    // One of three, and nothing tells which.
    check(
        mapping,
        "\tat x.f(Unknown Source:1)\n\tat x.f(Unknown Source)\n",
        "\tat com.a.Main.several(Main.java:42)\n\t<OR> at com.a.Main.several(Main.java:43)\n\t<OR> at com.a.Main.several(Main.java:44)
\tat com.a.Main.several(Main.java)\n",
    );
}

/// R8: each entry of one range is the caller of the one before.
#[test]
fn inlined_frames() {
    let mapping = "com.a.Main -> x:
    1:1:void com.b.Util$Inner.check(int):59:59 -> a
    1:1:void run(java.lang.String):261 -> a
    2:4:void com.b.Util$Inner.check(int):70:72 -> a
    2:4:void run(java.lang.String):262 -> a
    7:9:void run(java.lang.String) -> a
    10:12:void run(java.lang.String):300:300 -> a
";
    check(
        mapping,
        "\tat x.a(SourceFile:1)\n\tat x.a(:3)\n\tat x.a(SourceFile:8)\n\tat x.a(SourceFile:12)\n",
        "\tat com.b.Util$Inner.check(Util.java:59)\n\tat com.a.Main.run(Main.java:261)
\tat com.b.Util$Inner.check(Util.java:71)\n\tat com.a.Main.run(Main.java:262)\n\tat com.a.Main.run(Main.java:8)
\tat com.a.Main.run(Main.java:300)\n",
    );
}

/// R8: a line out of all ranges is not guessed; without line, the method is known all the same.
#[test]
fn lines_out_of_range() {
    let mapping = "some.Class -> b:
  1:3:void second():11:13 -> a
  4:4:void second():10:10 -> a
";
    check(
        mapping,
        "\tat b.a(:27)\n\tat b.a(Unknown Source)\n\tat b.a(SourceFile:0)\n\tat b.q(SourceFile:5)\n",
        "\tat some.Class.a(Class.java:27)\n\tat some.Class.second(Class.java)\n\tat some.Class.second(Class.java)\n\tat some.Class.q(Class.java:5)\n",
    );
}

/// R8 counts lines with 31 bits: a larger number is that of no line, and stays where no other is
/// known.
#[test]
fn numbers_that_no_line_has() {
    let mapping = "some.Class -> b:\n  1:3:void second():11:13 -> a\n  void one():42:42 -> c\n";
    for number in ["2147483648", "4294967295", "4294967296", "99999999999"] {
        check(
            mapping,
            &format!("\tat b.a(SourceFile:{number})\n\tat b.q(X:{number})\n\tat b.c(X:{number})\n"),
            &format!(
                "\tat some.Class.second(Class.java:{number})\n\tat some.Class.q(Class.java:{number})\n\tat some.Class.one(Class.java:42)\n"
            ),
        );
        let query =
            Query { class: "b", method: "a", line: number.parse().ok(), ..Query::default() };
        let found = Retrace::new(Rows::of(mapping), RetraceStyle::R8)
            .remap_frame(&query, &mut Context::default())
            .unwrap();
        assert_eq!(
            (&*found[0].frames[0].method, found[0].frames[0].line),
            ("second", None),
            "{number}"
        );
    }
    check(
        mapping,
        "\tat b.a(SourceFile:2147483647)\n",
        "\tat some.Class.a(Class.java:2147483647)\n",
    );
}

/// What is known of a method, and what is not.
#[test]
fn methods_and_lines_that_are_unknown() {
    let mapping = "some.Class -> b:\n  1:3:void second():11:13 -> a\n";
    for (method, line, is_known) in [
        ("a", Some(2), true),
        ("a", None, true),
        ("a", Some(9), false),
        ("q", Some(2), false),
        ("q", None, false),
    ] {
        let query = Query { class: "b", method, line, ..Query::default() };
        let found = Retrace::new(Rows::of(mapping), RetraceStyle::R8)
            .remap_frame(&query, &mut Context::default())
            .unwrap();
        assert_eq!((found.len(), found[0].is_known()), (1, is_known), "{method} {line:?}");
    }
}

/// R8: entries of line 0 are for frames without line.
#[test]
fn entries_for_frames_without_line() {
    let mapping = "com.a.Main -> foo.a:
    0:0:void first(java.lang.String):42:42 -> a
    0:0:void main(java.lang.String[]):28 -> a
    1:1:void main(java.lang.String[]):153 -> a
    0:0:void second(java.lang.String):42:44 -> b
    0:0:void main2(java.lang.String[]):29 -> b
    0:1:void main3(java.lang.String[]) -> c
    2:2:void inlined(java.lang.String):0:0 -> c
    2:2:void main3(java.lang.String[]):0 -> c
";
    check(
        mapping,
        "\tat foo.a.a(Unknown Source)\n\tat foo.a.b(Unknown Source)\n\tat foo.a.c(Unknown Source)\n",
        "\tat com.a.Main.first(Main.java:42)\n\tat com.a.Main.main(Main.java:28)\n\tat com.a.Main.second(Main.java)\n\tat com.a.Main.main2(Main.java)
\tat com.a.Main.main3(Main.java)\n",
    );
}

/// `doc/retrace.md`, "Catch all range for methods with a single unique position".
#[test]
fn catch_all_ranges() {
    let mapping = "com.a.Main -> x:\n    0:65535:void foo():33:33 -> a\n";
    check(
        mapping,
        "\tat x.a(SourceFile)\n\tat x.a(SourceFile:7)\n",
        "\tat com.a.Main.foo(Main.java:33)\n\tat com.a.Main.foo(Main.java:33)\n",
    );
}

/// R8: alternatives are sorted, `<OR>` stands before all but the first.
#[test]
fn ambiguous_frames() {
    let mapping = "com.a.R -> a.a:\n    void foo(int) -> a\n    void bar(int, int) -> a\n    void foo(int,boolean) -> a\n";
    check(
        mapping,
        "    at a.a.a(Unknown Source)\n    at a.a.a(Unknown Source:7)\n    ... 42 more\n",
        "    at com.a.R.bar(R.java)\n    <OR> at com.a.R.foo(R.java)\n    at com.a.R.bar(R.java:7)\n    <OR> at com.a.R.foo(R.java:7)\n    ... 42 more\n",
    );
    let inlined = "com.a.R -> a.a:
  10:10:void some.inlinee1(int):10:10 -> zza
  10:10:void foo(int):10 -> zza
  11:12:void foo(int):11:12 -> zza
  10:10:void some.inlinee2(int, int):20:20 -> zza
  10:10:void foo(int, int):42 -> zza
";
    check(
        inlined,
        "\tat a.a.zza(SourceFile:10)\n",
        "\tat some.inlinee1(some.java:10)\n\t<OR> at some.inlinee2(some.java:20)\n\tat com.a.R.foo(R.java:10)\n\t<OR> at com.a.R.foo(R.java:42)\n",
    );
    // The line is known, so that entries without range do not count.
    let mixed = "some.Class -> A:\n  java.util.List select(java.util.List) -> a\n  3:3:void sync():425:425 -> a\n  void cancel(java.lang.String[]) -> a\n";
    check(mixed, "  at A.a(SourceFile:3)\n", "  at some.Class.sync(Class.java:425)\n");
}

/// R8: lines that an original range has, and the obfuscated one does not tell apart.
#[test]
fn ambiguous_lines_of_inlined_frames() {
    let mapping = "com.a.R -> a.a:\n  1:1:void foo(int):42:44 -> a\n  1:1:void bar(int, int):32 -> a\n  1:1:void baz(int, int):10 -> a\n";
    check(
        mapping,
        "    at a.a.a(Unknown Source:1)\n",
        "    at com.a.R.foo(R.java:42)\n    <OR> at com.a.R.foo(R.java:43)\n    <OR> at com.a.R.foo(R.java:44)\n    at com.a.R.bar(R.java:32)
    at com.a.R.baz(R.java:10)\n",
    );
}

/// `doc/retrace.md`, "Source File": also of classes that were inlined, wherever they stand in the
/// mapping.
#[test]
fn source_files_of_the_mapping() {
    let mapping = "com.a.Main -> x:
    1:1:void com.z.Tools.help():22:22 -> a
    1:1:void com.y.Plain.help():5 -> a
    1:1:void main():32 -> a
com.z.Tools -> y:
# {\"id\":\"sourceFile\",\"fileName\":\"ToolsAndMore.kt\"}
    void <init>() -> <init>
";
    check(
        mapping,
        "  at x.a(r8-map-id-12ab:1)\n  at y.<init>(SourceFile)\n",
        "  at com.z.Tools.help(ToolsAndMore.kt:22)\n  at com.y.Plain.help(Plain.java:5)\n  at com.a.Main.main(Main.java:32)
  at com.z.Tools.<init>(ToolsAndMore.kt)\n",
    );
}

/// Kotlin's Compose compiler appends a class of its own to R8's mapping, whose methods are the keys
/// of groups.
#[test]
fn compose_group_keys() {
    let mapping = "com.a.App -> a:
ComposeStackTrace -> $$compose:
  1:1:void com.a.ScreenKt.Screen(androidx.compose.runtime.Composer,int):71:71 -> m$1125598679
  1:1:void com.a.ScreenKt$Screen$1.invoke():73:73 -> m$-12
";
    check(
        mapping,
        "androidx.compose.runtime.DiagnosticComposeException:\n\tat $$compose.m$1125598679(SourceFile:1)\n\tat $$compose.m$-12(SourceFile:1)\n",
        "androidx.compose.runtime.DiagnosticComposeException:\n\tat com.a.ScreenKt.Screen(Screen.kt:71)\n\tat com.a.ScreenKt$Screen$1.invoke(Screen.kt:73)\n",
    );
}

/// Residual signatures tell apart what an obfuscated descriptor names.
#[test]
fn descriptors() {
    let mapping = "com.a.Arg -> b:
com.a.Main -> a:
    void one(com.a.Arg,int[]):1:1 -> m
    int two(com.a.Arg,boolean):2:2 -> m
      # {\"id\":\"com.android.tools.r8.residualsignature\",\"signature\":\"(Lb;)I\"}
    void three() -> m
";
    let mut retrace = Retrace::new(Rows::of(mapping), RetraceStyle::R8);
    for (descriptor, methods) in [
        (Some("(Lb;[I)V"), vec!["one"]),
        (Some("(Lb;)I"), vec!["two"]),
        (Some("()V"), vec!["three"]),
        (Some("(J)V"), vec!["one", "three", "two"]),
        (Some("nonsense"), vec!["one", "three", "two"]),
        (None, vec!["one", "three", "two"]),
    ] {
        let query = Query { class: "a", method: "m", descriptor, ..Query::default() };
        let found = retrace.remap_frame(&query, &mut Context::default()).unwrap();
        assert_eq!(
            found.iter().map(|found| &*found.frames[0].method).collect::<Vec<_>>(),
            methods,
            "{descriptor:?}"
        );
    }
    let found = retrace.remap_method("a", "m").unwrap();
    assert_eq!(
        found
            .iter()
            .map(|found| (&*found.method, &*found.arguments, &*found.returns))
            .collect::<Vec<_>>(),
        [
            ("one", "com.a.Arg,int[]", "void"),
            ("two", "com.a.Arg,boolean", "int"),
            ("three", "", "void")
        ]
    );
    assert_eq!(retrace.remap_method("q", "m").unwrap(), []);
}

#[test]
fn classes_and_messages() {
    let mut retrace =
        Retrace::new(Rows::of("com.a.Main -> a.b:\ncom.a.Short -> c:\n"), RetraceStyle::R8);
    assert_eq!(retrace.remap_class("a.b").unwrap().as_deref(), Some("com.a.Main"));
    assert_eq!(retrace.remap_class("com.a.Main").unwrap(), None);
    for (message, want) in [
        ("a.b cannot be cast to java.lang.String", "com.a.Main cannot be cast to java.lang.String"),
        ("not a a.b.", "not a com.a.Main."),
        ("c and \"a.b\", [a.b]", "c and \"com.a.Main\", [com.a.Main]"),
        ("xa.b a.bc a.b.c é", "xa.b a.bc a.b.c é"),
        ("", ""),
    ] {
        assert_eq!(retrace.remap_message(message).unwrap(), want);
    }
}
