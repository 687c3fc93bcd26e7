//! R8's `--verbose`, one test for each of its own tests that says more there: the same mappings by
//! other names, and the lines that R8's tests expect
//! (`src/test/java/com/android/tools/r8/retrace/stacktraces`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

#[path = "retrace_rows/mod.rs"]
mod rows;

use rows::{check, check_verbose};

/// `FoundMethodVerboseStackTrace`.
#[test]
fn return_types_and_arguments() {
    let mapping =
        "lamp.Main -> a.a:\n    7:7:lamp.Bulb light(java.lang.String[],lamp.Wire):102 -> a\n";
    let trace =
        "Exception in thread \"main\" java.lang.NullPointerException\n\tat a.a.a(Foo.java:7)\n";
    let head = "Exception in thread \"main\" java.lang.NullPointerException\n";
    check(mapping, trace, &format!("{head}\tat lamp.Main.light(Main.java:102)\n"));
    check_verbose(
        mapping,
        trace,
        &format!(
            "{head}\tat lamp.Main.lamp.Bulb light(java.lang.String[],lamp.Wire)(Main.java:102)\n"
        ),
    );
}

/// `AmbiguousMethodVerboseStackTrace`: what only types tell apart are two answers; what is unknown
/// has no types.
#[test]
fn methods_that_types_tell_apart() {
    let mapping = "lamp.Main -> a.a:
    lamp.Bulb light(java.lang.String[],lamp.Wire) -> a
    lamp.Bulb light(java.lang.String[]) -> b
    void light(lamp.Wire) -> b
";
    let trace = "\tat a.a.c(Foo.java)\n\tat a.a.b(Bar.java)\n\tat a.a.a(Baz.java)\n";
    check(
        mapping,
        trace,
        "\tat lamp.Main.c(Main.java)\n\tat lamp.Main.light(Main.java)\n\tat lamp.Main.light(Main.java)\n",
    );
    check_verbose(
        mapping,
        trace,
        "\tat lamp.Main.c(Main.java)
\tat lamp.Main.lamp.Bulb light(java.lang.String[])(Main.java)
\t<OR> at lamp.Main.void light(lamp.Wire)(Main.java)
\tat lamp.Main.lamp.Bulb light(java.lang.String[],lamp.Wire)(Main.java)
",
    );
}

/// `AmbiguousWithSignatureVerboseStackTrace`: by return type, then by arguments, the fewer first.
#[test]
fn alternatives_are_sorted_by_types() {
    let mapping = "lamp.Wire -> a.w:
  10:10:void foo(int):10:10 -> zza
  11:11:void foo(int, int):11:11 -> zza
  12:12:void foo(int, boolean):12:12 -> zza
  13:13:boolean foo(int, int):13:13 -> zza
";
    check(mapping, "\tat a.w.zza(Unknown)\n", "\tat lamp.Wire.foo(Wire.java)\n");
    check_verbose(
        mapping,
        "\tat a.w.zza(Unknown)\n",
        "\tat lamp.Wire.boolean foo(int,int)(Wire.java)
\t<OR> at lamp.Wire.void foo(int)(Wire.java)
\t<OR> at lamp.Wire.void foo(int,boolean)(Wire.java)
\t<OR> at lamp.Wire.void foo(int,int)(Wire.java)
",
    );
    // More arguments come later, whatever their types are called.
    let mapping =
        "lamp.Wire -> a.w:\n  void foo(z.Z) -> x\n  void foo(a.A,a.A) -> x\n  void foo() -> x\n";
    check_verbose(
        mapping,
        "\tat a.w.x(X)\n",
        "\tat lamp.Wire.void foo()(Wire.java)\n\t<OR> at lamp.Wire.void foo(z.Z)(Wire.java)\n\t<OR> at lamp.Wire.void foo(a.A,a.A)(Wire.java)\n",
    );
}

/// `AmbiguousMultipleInlineStackTrace`.
#[test]
fn inlined_alternatives() {
    let mapping = "lamp.Wire -> a.w:
  10:10:void some.inlinee1(int):10:10 -> zza
  10:10:void foo(int):10 -> zza
  11:12:void foo(int):11:12 -> zza
  10:10:void some.inlinee2(int, int):20:20 -> zza
  10:10:void foo(int, int):42 -> zza
";
    check_verbose(
        mapping,
        "\tat a.w.zza(SourceFile:10)\n",
        "\tat some.void inlinee1(int)(some.java:10)
\t<OR> at some.void inlinee2(int,int)(some.java:20)
\tat lamp.Wire.void foo(int)(Wire.java:10)
\t<OR> at lamp.Wire.void foo(int,int)(Wire.java:42)
",
    );
}

/// `AmbiguousMissingLineStackTrace`, `OutsideLineRangeStackTraceTest`, `VerboseUnknownStackTrace`.
#[test]
fn lines_that_are_missing() {
    let mapping = "lamp.R -> a.a:\n  void foo(int) -> a\n  void bar(int, int) -> a\n";
    check_verbose(
        mapping,
        "    at a.a.a(Unknown Source:7)\n    at lamp.R.main(Unknown Source)\n    ... 42 more\n",
        "    at lamp.R.void bar(int,int)(R.java:7)\n    <OR> at lamp.R.void foo(int)(R.java:7)\n    at lamp.R.main(Unknown Source)\n    ... 42 more\n",
    );
    let mapping = "some.other.Class -> a:\n  void method1():42:42 -> a\nsome.Class -> b:\n  1:3:void method2():11:13 -> a\n  4:4:void method2():10:10 -> a\n";
    check_verbose(
        mapping,
        "\tat a.a(:2)\n\tat a.a(Unknown Source)\n\tat b.a(:27)\n\tat b.a(Unknown Source)\n",
        "\tat some.other.Class.void method1()(Class.java:42)
\tat some.other.Class.void method1()(Class.java:42)
\tat some.Class.a(Class.java:27)
\tat some.Class.void method2()(Class.java)
",
    );
    // What the mapping has a line for gets it even if it is ambiguous.
    let mapping = "foo.Bar -> huk:\n  void baz():13:13 -> g\n  void qux():12:12 -> g\n";
    check(mapping, " at huk.g(X)\n", " at foo.Bar.baz(Bar.java)\n <OR> at foo.Bar.qux(Bar.java)\n");
    check_verbose(
        mapping,
        " at huk.g(X)\n",
        " at foo.Bar.void baz()(Bar.java:13)\n <OR> at foo.Bar.void qux()(Bar.java:12)\n",
    );
}

/// `ClassWithDashStackTrace`, `AutoStackTrace`, `TrailingWhitespaceStackTrace`.
#[test]
fn names_files_and_blanks() {
    let mapping = "# {\"id\":\"com.android.tools.r8.mapping\",\"version\":\"1.0\"}
Unused -> I$-CC:
# {\"id\":\"com.android.tools.r8.synthesized\"}
    66:66:void I.staticMethod() -> staticMethod
    66:66:void staticMethod():0 -> staticMethod
    # {\"id\":\"com.android.tools.r8.synthesized\"}
";
    check_verbose(
        mapping,
        "\tat I$-CC.staticMethod(I.java:66)\n",
        "\tat I.void staticMethod()(I.java:66)\n",
    );
    let mapping = "lamp.Auto -> qtr:\n  46:46:void foo(int):200:200 -> a\n  17:19:void foo(int,int):23:25 -> a\n";
    check_verbose(
        mapping,
        "\tat qtr.a(:com.google.android.gms@203915081@20.39.15 (060808-335085812):46)\n\tat qtr.a(:x@2 (060808-33):18)\u{a0}\n",
        "\tat lamp.Auto.void foo(int)(Auto.java:200)\n\tat lamp.Auto.void foo(int,int)(Auto.java:24)\u{a0}\n",
    );
}
