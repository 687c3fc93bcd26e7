//! Normalised names: what stands on the left, as tools and reports spell it, has to become what
//! stands on the right.

mod cpp;
mod odd;

use symtool_demangle::{Spelling, demangle};
use symtool_grouping::normal::{function, java, message, of_raw};

fn check(pairs: &[(&str, &str)]) {
    for (name, want) in pairs {
        assert_eq!(function(name), *want, "{name}");
        assert_eq!(function(want), *want, "again: {want}");
    }
}

#[test]
fn rust() {
    check(&[
        ("alloc::raw_vec::RawVec<T,A>::grow_one", "alloc::raw_vec::RawVec<>::grow_one"),
        (
            "alloc::raw_vec::RawVec<T,A>::grow_one::h5db68208cd9098ff",
            "alloc::raw_vec::RawVec<>::grow_one",
        ),
        ("app::main::{{closure}}::h0123456789abcdef", "app::main::{closure}"),
        ("app::main::{closure#0}", "app::main::{closure}"),
        ("app::main::{closure#12}::{closure#0}", "app::main::{closure}::{closure}"),
        ("core::ptr::drop_in_place::<rustc_ast::ast::AttrItemKind>", "core::ptr::drop_in_place"),
        ("core::ptr::drop_in_place<app::Foo>", "core::ptr::drop_in_place"),
        (
            "<&[rustc_hir::hir::Expr] as core::fmt::Debug>::fmt",
            "<&[rustc_hir::hir::Expr] as core::fmt::Debug>::fmt",
        ),
        (
            "<app::Foo<T> as core::iter::Iterator>::next",
            "<app::Foo<> as core::iter::Iterator>::next",
        ),
        (
            "<app::Bar<T> as core::iter::Iterator>::next",
            "<app::Bar<> as core::iter::Iterator>::next",
        ),
        ("<rustc_errors::DiagCtxt>::make_silent", "rustc_errors::DiagCtxt::make_silent"),
        (
            "<app::Job<'_>>::complete::<app::Cache<u32>>::{closure#0}",
            "app::Job<>::complete::{closure}",
        ),
        (
            "_$LT$$RF$T$u20$as$u20$core..fmt..Debug$GT$::fmt::ha3fce937da69ed15",
            "<&T as core::fmt::Debug>::fmt",
        ),
        (
            "alloc::raw_vec::RawVec$LT$T$C$A$GT$::grow_one::h5db68208cd9098ff",
            "alloc::raw_vec::RawVec<>::grow_one",
        ),
        ("app::main::_$u7b$$u7b$closure$u7d$$u7d$::h0123456789abcdef", "app::main::{closure}"),
        ("core[4d6a2fc1b1b1b1b1]::panicking::panic_fmt", "core::panicking::panic_fmt"),
        (
            "<app::F as core::ops::function::FnOnce<(u32,)>>::call_once",
            "<app::F as core::ops::function::FnOnce<>>::call_once",
        ),
    ]);
}

#[test]
fn swift() {
    check(&[
        ("CRLCrashSwift.crash() -> ()", "CRLCrashSwift.crash"),
        ("@objc CRLCrashSwift.crash() -> ()", "CRLCrashSwift.crash"),
        (
            "App.Model.load(from: Swift.String, retry: Swift.Int) throws -> Swift.Array<App.Item>",
            "App.Model.load",
        ),
        ("static App.Model.load() -> ()", "App.Model.load"),
        ("App.Model.count.getter : Swift.Int", "App.Model.count.getter"),
        ("App.Cache<A, B>.get(A) -> B?", "App.Cache.get"),
        ("closure #1 (Swift.Int) -> () in App.Model.load() -> ()", "App.Model.load.{closure}"),
        (
            "closure #2 () -> () in closure #1 (Swift.Int) -> () in App.Model.load() -> ()",
            "App.Model.load.{closure}.{closure}",
        ),
        ("partial apply forwarder for closure #1 () -> () in App.f() -> ()", "App.f.{closure}"),
        ("implicit closure #1 () -> () in App.f() -> ()", "App.f.{closure}"),
        (
            "specialized _fatalErrorMessage(StaticString, StaticString, StaticString, UInt, flags : UInt32) -> Never",
            "_fatalErrorMessage",
        ),
        ("merged App.Model.save() -> ()", "App.Model.save"),
        ("generic specialization <Swift.Int> of App.Cache.get(A) -> B", "App.Cache.get"),
        (
            "function signature specialization <Arg[0] = Dead> of App.Model.load() -> ()",
            "App.Model.load",
        ),
        (
            "protocol witness for App.P.run() -> () in conformance App.Job : App.P in App",
            "App.P.run in App.Job",
        ),
        ("outlined copy of Swift.Optional<App.Item>", "outlined copy of Swift.Optional"),
        ("static Swift.Int.== infix(Swift.Int, Swift.Int) -> Swift.Bool", "Swift.Int.=="),
        ("App.Model.(secret in _3F2A9B)(Swift.Int) -> ()", "App.Model.secret"),
        ("(extension in App):UIKit.UIView.shake() -> ()", "UIKit.UIView.shake"),
        ("local #1 () -> () in App.f(x: Swift.Int) -> ()", "App.f.local"),
        ("closure #1 in ViewController.viewDidLoad()", "ViewController.viewDidLoad.{closure}"),
        ("ViewController.tap(_:)", "ViewController.tap"),
        ("default argument 0 of App.f(x: Swift.Int) -> ()", "App.f"),
    ]);
}

#[test]
fn objective_c() {
    check(&[
        ("-[Foo bar:baz:]", "-[Foo bar:baz:]"),
        ("+[NSURLConnection(Loader) _resourceLoadLoop:]", "+[NSURLConnection _resourceLoadLoop:]"),
        ("-[NSRunLoop(NSRunLoop) runMode:beforeDate:]", "-[NSRunLoop runMode:beforeDate:]"),
        (
            "__31-[CRLCrashReleasedObject crash]_block_invoke",
            "-[CRLCrashReleasedObject crash] {block}",
        ),
        ("__27-[Foo bar:]_block_invoke_2", "-[Foo bar:] {block}"),
        ("__27-[Foo(Cat) bar:]_block_invoke.123", "-[Foo bar:] {block}"),
        ("__main_block_invoke", "main {block}"),
        ("__main_block_invoke_3.45", "main {block}"),
        ("invocation function for block in a::foo(int)", "a::foo {block}"),
        ("__copy_helper_block_e8_32s40s", "__copy_helper_block_"),
    ]);
}

#[test]
fn raw_names() {
    for (raw, want) in [
        ("_ZN1a1bIiEEvT_", "a::b"),
        ("__ZN1a1bEv", "a::b"),
        ("_ZN1a1bEv.cold", "a::b"),
        ("_ZN1a1bEv@@VERS_1.0", "a::b"),
        ("_ZN3foo3bar17h0123456789abcdefE", "foo::bar"),
        ("$s4main3FooV3baryyF", "main.Foo.bar"),
        ("malloc@@GLIBC_2.2.5", "malloc"),
        ("?foo@@YAXXZ", "foo"),
    ] {
        assert_eq!(of_raw(raw.as_bytes()), want, "{raw}");
    }
    assert!(!of_raw(b"\xff\xfe").is_empty());
}

#[test]
fn classes_of_java() {
    for (class, method, want) in [
        ("com.x.Foo", "bar", "com.x.Foo.bar"),
        ("com.x.Foo", "access$000", "com.x.Foo.access$"),
        ("com.x.Foo", "lambda$onCreate$0", "com.x.Foo.lambda$onCreate"),
        ("com.x.Foo", "lambda$onCreate$0$com-x-Foo", "com.x.Foo.lambda$onCreate"),
        ("com.x.-$$Lambda$Foo$abc123", "run", "com.x.Foo$lambda.run"),
        ("com.x.Foo$$Lambda$14/0x0000000800c03000", "run", "com.x.Foo$lambda.run"),
        ("com.x.Foo$$ExternalSyntheticLambda3", "onClick", "com.x.Foo$lambda.onClick"),
        ("com.x.Foo$$InternalSyntheticLambda$1$0a1b$0", "run", "com.x.Foo$lambda.run"),
        ("com.x.Foo", "$r8$lambda$q1w2e3r4t5", "com.x.Foo.$r8$lambda"),
        ("com.x.Foo$1", "run", "com.x.Foo$?.run"),
        ("com.x.Foo$Bar$12$3", "run", "com.x.Foo$Bar$?$?.run"),
        ("com.x.Foo$Bar", "<init>", "com.x.Foo$Bar.<init>"),
        (
            "jdk.internal.reflect.GeneratedMethodAccessor123",
            "invoke",
            "jdk.internal.reflect.GeneratedMethodAccessor.invoke",
        ),
        ("com.sun.proxy.$Proxy12", "call", "com.sun.proxy.$Proxy.call"),
        ("jdk.proxy2.$Proxy7", "call", "jdk.proxy.$Proxy.call"),
        ("com.x.Foo$$FastClassByCGLIB$$1a2b3c4d", "invoke", "com.x.Foo$$FastClassByCGLIB.invoke"),
        (
            "com.x.Foo$$EnhancerBySpringCGLIB$$1a2b3c4d",
            "get",
            "com.x.Foo$$EnhancerBySpringCGLIB.get",
        ),
        ("com.x.Foo$$SpringCGLIB$$0", "get", "com.x.Foo$$SpringCGLIB.get"),
        ("com.x.FooKt", "load$lambda-0", "com.x.FooKt.load$lambda"),
        ("com.x.FooKt", "load$lambda$1$lambda$0", "com.x.FooKt.load$lambda"),
        ("com.x.Foo$load$1", "invokeSuspend", "com.x.Foo$load$?.invokeSuspend"),
    ] {
        assert_eq!(java(class, method), want, "{class} {method}");
    }
}

#[test]
fn messages() {
    for (text, want) in [
        ("Attempt to read from 0x7fff5bc at 12", "Attempt to read from <hex> at <n>"),
        ("index 10 out of bounds for length 3", "index <n> out of bounds for length <n>"),
        ("id 550e8400-e29b-41d4-a716-446655440000 not found", "id <uuid> not found"),
        ("cannot open '/data/user/0/com.x/f.db'", "cannot open <path>"),
        ("open /var/log/x.log: No such file", "open <path>: No such file"),
        ("C:\\Users\\me\\x.txt is missing", "<path> is missing"),
        ("utf8 and x86_64 stay", "utf8 and x86_64 stay"),
        ("took 12.5ms,\n  then 3 more", "took <n>ms, then <n> more"),
        ("key deadbeef01 expired", "key <hex> expired"),
        (
            "-[Foo bar]: unrecognized selector sent to instance 0x600003a1",
            "-[Foo bar]: unrecognized selector sent to instance <hex>",
        ),
        ("", ""),
    ] {
        assert_eq!(message(text), want, "{text}");
    }
    assert!(message(&"é".repeat(5000)).len() <= 1024);
}

fn names() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/demangle/names.txt");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut names = Vec::new();
    for raw in text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split('\t'))
    {
        names.push(raw.to_owned());
        names.extend(demangle(raw.as_bytes(), Spelling::Symtool));
    }
    names
}
