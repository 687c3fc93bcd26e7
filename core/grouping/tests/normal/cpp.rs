//! Names of C++.

use crate::check;

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
