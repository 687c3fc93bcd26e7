//! Outlined code, synthesized frames and rewritten ones.

use symtool_mapping::{Context, Query, Retrace, RetraceStyle};

use crate::rows::{Rows, check};

/// `doc/retrace.md`, "Outline Call Site".
#[test]
fn outlines_take_the_line_of_their_call_site() {
    let mapping = "# { id: 'com.android.tools.r8.mapping', version: '2.0' }
outline.Class -> a:
  1:2:int outline() -> a
# { 'id':'com.android.tools.r8.outline' }
some.Class -> b:
  1:1:void foo.bar.Baz.qux():42:42 -> s
  4:4:int outlineCaller(int):98:98 -> s
  5:5:int outlineCaller(int):100:100 -> s
  27:27:int outlineCaller(int):0:0 -> s
# { 'id':'com.android.tools.r8.outlineCallsite', 'positions': { '1': 4, '2': 5 } }
";
    check(
        mapping,
        "  at a.a(:1)\n  at b.s(:27)\n",
        "  at some.Class.outlineCaller(Class.java:98)\n",
    );
    check(
        mapping,
        "  at a.a(:2)\n  at b.s(:27)\n",
        "  at some.Class.outlineCaller(Class.java:100)\n",
    );
    // Positions that are not listed are the same on both sides, also if none is.
    let none =
        "outline.Class -> a:\n  1:2:int outline() -> a\n# {'id':'com.android.tools.r8.outline'}
some.Class -> b:\n  2:2:int caller(int):100:100 -> s\n  27:27:int caller(int):0:0 -> s
# {'id':'com.android.tools.r8.outlineCallsite','positions':{},'outline':'La;a()I'}\n";
    check(none, "  at a.a(:2)\n  at b.s(:27)\n", "  at some.Class.caller(Class.java:100)\n");
    // No outline before it: the line stands for none.
    check(mapping, "  at b.s(:27)\n", "  at some.Class.outlineCaller(Class.java)\n");
    check(
        mapping,
        "  at a.a(:1)\nx y\n  at b.s(:27)\n",
        "x y\n  at some.Class.outlineCaller(Class.java)\n",
    );
}

/// `doc/retrace.md`, "Synthesized": the frames of such members go, what was inlined into them
/// stays.
#[test]
fn synthesized_frames_are_removed() {
    let mapping = "# {\"id\":\"com.android.tools.r8.mapping\",\"version\":\"2.2\"}
some.package.Class -> foo.a:
    4:4:void example.Foo.lambda$main$0():225 -> a
    4:4:void run(example.Foo):2 -> a
    # {'id':'com.android.tools.r8.synthesized'}
    5:5:void example.Foo.lambda$main$1():228 -> a
    5:5:void run(example.Foo):4 -> a
    1:3:void bridge():0:0 -> b
      # {\"id\":\"com.android.tools.r8.synthesized\"}
";
    check(
        mapping,
        "  at foo.a.a(:4)\n  at foo.a.a(:5)\n  at foo.a.b(SourceFile:2)\n  end\n",
        "  at example.Foo.lambda$main$0(Foo.java:225)\n  at example.Foo.lambda$main$1(Foo.java:228)\n  end\n",
    );
    let mut retrace = Retrace::new(Rows::of(mapping), RetraceStyle::R8);
    let query = Query { class: "foo.a", method: "a", line: Some(4), ..Query::default() };
    let found = retrace.remap_frame(&query, &mut Context::default()).unwrap();
    let frames: Vec<(&str, bool)> =
        found[0].frames.iter().map(|frame| (&*frame.method, frame.synthesized)).collect();
    assert_eq!(frames, [("lambda$main$0", false), ("run", true)]);
}

/// `doc/retrace.md`, "`RewriteFrame`".
#[test]
fn frames_are_rewritten_below_their_exception() {
    let mapping = "some.Class -> a:
  4:4:void other.Class.inlinee():23:23 -> a
  4:4:void caller(other.Class):7 -> a
  # { id: 'com.android.tools.r8.rewriteFrame', conditions: ['throws(Ljava/lang/NullPointerException;)'], actions: ['removeInnerFrames(1)'] }
  5:5:void caller(other.Class):8 -> a
  # { id: 'com.android.tools.r8.rewriteFrame', conditions: ['throws(Ljava/lang/NullPointerException;)'], actions: ['removeInnerFrames(2)'] }
";
    let both = "  at other.Class.inlinee(Class.java:23)\n  at some.Class.caller(Class.java:7)\n";
    let one = "  at some.Class.caller(Class.java:7)\n";
    for head in [
        "Exception in thread \"main\" java.lang.NullPointerException: ...\n",
        "java.lang.NullPointerException\n",
        "Caused by: java.lang.NullPointerException: a: b\n",
        "06-01 12:00:00.000  99  99 E AndroidRuntime: java.lang.NullPointerException: a\n",
    ] {
        check(mapping, &format!("{head}  at a.a(:4)\n"), &format!("{head}{one}"));
    }
    let other = "java.lang.IllegalStateException: ...\n";
    check(mapping, &format!("{other}  at a.a(:4)\n"), &format!("{other}{both}"));
    // Not directly below.
    let head =
        "java.lang.NullPointerException\n  at java.util.Objects.requireNonNull(Objects.java:1)\n";
    check(mapping, &format!("{head}  at a.a(:4)\n"), &format!("{head}{both}"));
    // More than there are: an error in the mapping, and no frame goes.
    let head = "java.lang.NullPointerException\n";
    check(
        mapping,
        &format!("{head}  at a.a(:5)\n"),
        &format!("{head}  at some.Class.caller(Class.java:8)\n"),
    );
}

/// R8: an outline whose call site is in an outline, and frames inlined on both sides.
#[test]
fn outlines_in_outlines() {
    let mapping = "outline1.Class -> a:
  4:4:int outline():0:0 -> a
# { 'id':'com.android.tools.r8.outline' }
outline2.Class -> b:
  6:6:int outline():0:0 -> a
# { 'id':'com.android.tools.r8.outlineCallsite', 'positions': { '4': 43 } }
  42:43:int outline():0:0 -> a
# { 'id':'com.android.tools.r8.outline' }
some.Class -> c:
  1:1:void foo.bar.Baz.qux():42:42 -> a
  11:11:int foo.bar.Baz.inlined(int):98:98 -> a
  11:11:int outlineCaller(int):24 -> a
  28:28:int outlineCaller(int):0:0 -> a
# { 'id':'com.android.tools.r8.outlineCallsite', 'positions': { '42': 10, '43': 11 } }
";
    check(
        mapping,
        "java.io.IOException: x\n\tat a.a(:4)\n\tat b.a(:6)\n\tat c.a(:28)\n",
        "java.io.IOException: x\n\tat foo.bar.Baz.inlined(Baz.java:98)\n\tat some.Class.outlineCaller(Class.java:24)\n",
    );
}
