//! Normalised names: what stands on the left, as tools and reports spell it, has to become what
//! stands on the right.

use std::time::Instant;

use symtool_demangle::{Spelling, demangle};
use symtool_grouping::normal::{function, java, message, of_raw};

fn check(pairs: &[(&str, &str)]) {
    for (name, want) in pairs {
        assert_eq!(function(name), *want, "{name}");
        assert_eq!(function(want), *want, "again: {want}");
    }
}

#[test]
fn cpp_arguments_and_templates() {
    check(&[
        ("main", "main"),
        ("foo(int, char)", "foo"),
        ("a::b() const", "a::b"),
        ("a::b() const volatile", "a::b"),
        ("a::b() const &", "a::b"),
        ("a::b() &&", "a::b"),
        ("a::b() noexcept", "a::b"),
        ("f[abi:cxx11]()", "f"),
        ("std::string[abi:abc]::find()", "std::string::find"),
        ("a[abi:abc]::b[abi:def]()", "a::b"),
        ("void foo<int>(int)", "foo"),
        ("void a::b<int>(int)", "a::b"),
        ("unsigned long a::b<int, char>(int, char) const", "a::b"),
        (
            "std::vector<int, std::allocator<int>>::push_back(int const&)",
            "std::vector<>::push_back",
        ),
        ("std::vector<int, std::allocator<int> >::push_back(int&&)", "std::vector<>::push_back"),
        (
            "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::append(char const*)",
            "std::basic_string<>::append",
        ),
        ("std::__1::basic_string<char>::append(char const*)", "std::basic_string<>::append"),
        ("std::__ndk1::vector<int>::~vector()", "std::vector<>::~vector"),
        (
            "std::__1::__function::__func<Foo, std::__1::allocator<Foo>, void ()>::operator()()",
            "std::__function::__func<>::operator()",
        ),
        ("a<int>::a<char>(char)", "a<>::a"),
        ("std::map<int, void (*)(int)>::operator[](int const&)", "std::map<>::operator[]"),
        ("apply(void (*)(int), void (Foo::*)(char) const)", "apply"),
        ("void (*signal(int, void (*)(int)))(int)", "signal"),
        ("decltype (((int, int)+...)) f<int, int>()", "f"),
        ("decltype(auto) ns::g<int>(int&&)", "ns::g"),
        ("Foo<(Bar)1, (a > b)>::run()", "Foo<>::run"),
        ("std::enable_if<(1 < 2), int>::type ns::h<int>()", "ns::h"),
        (
            "boost::asio::detail::executor_function::complete<boost::asio::detail::binder1<F, E>, A>(base*, bool)",
            "boost::asio::detail::executor_function::complete",
        ),
        ("rgw_bucket::dump(ceph::Formatter*) const (.cold)", "rgw_bucket::dump"),
    ]);
}

#[test]
fn cpp_operators() {
    check(&[
        ("a::operator()()", "a::operator()"),
        ("void a::operator()<int>(int) const", "a::operator()"),
        ("operator<(a const&, a const&)", "operator<"),
        ("bool operator<<int>(int, int)", "operator<"),
        ("a& operator<<<int>(a&, int)", "operator<<"),
        ("std::ostream& operator<<(std::ostream&, Foo const&)", "operator<<"),
        ("bool operator>><int>(int, int)", "operator>>"),
        ("a::operator->() const", "a::operator->"),
        ("a::operator->*(int)", "a::operator->*"),
        (
            "std::_Rb_tree_const_iterator<rgw_sync>::operator->() const",
            "std::_Rb_tree_const_iterator<>::operator->",
        ),
        ("operator<=>(a const&, a const&)", "operator<=>"),
        ("a::operator<<=(int)", "a::operator<<="),
        ("a::operator new(unsigned long)", "a::operator new"),
        ("operator new[](unsigned long, std::nothrow_t const&)", "operator new[]"),
        ("operator delete[](void*)", "operator delete[]"),
        ("a::operator[](int)", "a::operator[]"),
        ("a::operator bool() const", "a::operator bool"),
        ("a::operator char const*() const", "a::operator char const*"),
        ("a::operator std::vector<int, std::allocator<int>>()", "a::operator std::vector"),
        ("operator\"\" _sm(unsigned long long)", "operator\"\"_sm"),
        ("operator,(a, a)", "operator,"),
        ("operator co_await(a)", "operator co_await"),
        ("a::operator==(a const&) const", "a::operator=="),
        ("operators::run()", "operators::run"),
    ]);
}

#[test]
fn cpp_lambdas_and_unnamed() {
    check(&[
        ("f()::'lambda'()::operator()() const", "f::lambda::operator()"),
        ("f(int)::'lambda'(int)#2::operator()(int) const", "f::lambda::operator()"),
        ("f(int)::'lambda0'(int)::operator()(int) const", "f::lambda::operator()"),
        ("auto f()::'lambda'(auto)::operator()<int>(auto) const", "f::lambda::operator()"),
        ("f(int)::{lambda(int)#1}::operator()(int) const", "f::lambda::operator()"),
        ("auto f()::{lambda(auto:1)#3}::operator()<int>(int) const", "f::lambda::operator()"),
        ("$_12::operator()() const", "lambda::operator()"),
        ("Foo::run()::$_0::operator()(int) const", "Foo::run::lambda::operator()"),
        (
            "Foo::run()::(lambda at /src/foo.cpp:12:3)::operator()() const",
            "Foo::run::lambda::operator()",
        ),
        ("Foo::run::<lambda_0123456789abcdef>::operator()", "Foo::run::lambda::operator()"),
        ("(anonymous namespace)::f()", "(anonymous namespace)::f"),
        ("void (anonymous namespace)::f<int>(int)", "(anonymous namespace)::f"),
        ("a::_GLOBAL__N_1::f()", "a::(anonymous namespace)::f"),
        ("a::{anonymous}::f()", "a::(anonymous namespace)::f"),
        ("`anonymous namespace'::f", "(anonymous namespace)::f"),
        ("a::'unnamed'::b()", "a::'unnamed'::b"),
        ("f()::'unnamed1'::b()", "f::'unnamed'::b"),
        ("f()::{unnamed type#1}::b()", "f::'unnamed'::b"),
        ("void f<int>()::'lambda'()::operator()() const", "f::lambda::operator()"),
        (
            "f()::'lambda'()::operator()() const::'lambda'()::operator()() const",
            "f::lambda::operator()::lambda::operator()",
        ),
    ]);
}

#[test]
fn clones_versions_thunks() {
    check(&[
        ("foo.isra.0", "foo"),
        ("foo.cold", "foo"),
        ("foo.cold.1", "foo"),
        ("foo.llvm.1234567890", "foo"),
        ("foo.constprop.5", "foo"),
        ("foo.part.3.isra.0", "foo"),
        ("foo.lto_priv.0", "foo"),
        ("foo.__uniq.123456789", "foo"),
        ("foo.__uniq.123456789.llvm.99", "foo"),
        ("foo(int) [clone .cold]", "foo"),
        ("a::foo(int) const [clone .isra.0] [clone .cold]", "a::foo"),
        ("foo(int) (.isra.0)", "foo"),
        ("malloc@@GLIBC_2.2.5", "malloc"),
        ("malloc@GLIBC_2.2", "malloc"),
        ("malloc@plt", "malloc"),
        ("memcpy@@GLIBC_2.14", "memcpy"),
        ("non-virtual thunk to a::b(int)", "a::b"),
        ("virtual thunk to a::b() const", "a::b"),
        ("guard variable for f()::x", "guard variable for f::x"),
        ("vtable for std::vector<int>", "vtable for std::vector"),
        ("TLS wrapper function for a::b", "TLS wrapper function for a::b"),
        ("_platform_memmove$VARIANT$Haswell", "_platform_memmove"),
        ("select$DARWIN_EXTSN", "select"),
        ("_main", "_main"),
        ("__pthread_start(void*)", "__pthread_start"),
        ("<redacted>", "<redacted>"),
        ("<signal handler called>", "<signal handler called>"),
    ]);
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

#[test]
fn a_normalised_name_stays_as_it_is() {
    let names = names();
    assert!(names.len() > 2000);
    let mut wrong = Vec::new();
    for name in &names {
        let once = function(name);
        assert!(once.is_empty() == name.trim().is_empty(), "{name}");
        let twice = function(&once);
        if once != twice {
            wrong.push(format!("{name}\n  {once}\n  {twice}"));
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// Cut anywhere, doubled, or with brackets out of balance, names are names.
#[test]
fn broken_names_are_read() {
    let mut random = fastrand::Rng::with_seed(7);
    for name in names() {
        for _ in 0..8 {
            let mut signs: Vec<char> = name.chars().collect();
            let at = random.usize(..=signs.len());
            match random.u8(..4) {
                0 => signs.truncate(at),
                1 => signs.insert(
                    at,
                    random
                        .choice(vec![
                            '(', ')', '<', '>', '[', ']', '{', '}', '\'', '`', ':', '#', ' ', '.',
                            '$', '@', 'é', '-',
                        ])
                        .unwrap(),
                ),
                2 => signs = signs.split_off(at),
                _ => signs.extend_from_within(at..),
            }
            let broken: String = signs.into_iter().collect();
            assert_eq!(function(&broken).is_empty(), broken.trim().is_empty(), "{broken}");
            let _ = (message(&broken), java(&broken, &broken), of_raw(broken.as_bytes()));
        }
    }
}

#[test]
fn long_names_take_no_long_time() {
    let start = Instant::now();
    for part in [
        "(",
        "<",
        "a<",
        "<a as ",
        "::",
        "{",
        "'",
        "[",
        " in ",
        "closure #1 in ",
        "x #1 in ",
        ".1",
        "$LT$",
        "operator<",
        "a(b)",
        " (",
    ] {
        let _ = function(&part.repeat((64 << 10) / part.len()));
    }
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

/// `cargo test --release -p symtool-grouping --test normal -- --ignored --nocapture`
#[test]
#[ignore = "prints times"]
fn speed() {
    let names: Vec<String> = names()
        .into_iter()
        .filter(|name| (60..100).contains(&name.len()) && name.contains("::"))
        .collect();
    let start = Instant::now();
    let mut bytes = 0;
    for _ in 0..200 {
        bytes += names.iter().map(|name| function(name).len()).sum::<usize>();
    }
    println!(
        "{} names, {bytes}: {:?} each",
        names.len(),
        start.elapsed() / u32::try_from(names.len() * 200).unwrap()
    );
}
