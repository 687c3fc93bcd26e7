//! The words that names are made of, and short names as R8 gives them.

/// Where packages begin.
pub const ROOTS: [&str; 12] = [
    "com.example.shop",
    "androidx.lifecycle",
    "androidx.compose.ui",
    "com.google.android.gms",
    "io.reactivex.rxjava3",
    "kotlinx.coroutines",
    "okhttp3.internal",
    "com.squareup.moshi",
    "org.chromium.net",
    "com.bumptech.glide",
    "androidx.recyclerview",
    "com.example.payments",
];
/// The next part of a package.
pub const AREAS: [&str; 24] = [
    "account",
    "basket",
    "cache",
    "channel",
    "checkout",
    "data",
    "dialog",
    "engine",
    "feed",
    "graphics",
    "http",
    "image",
    "journal",
    "layout",
    "media",
    "navigation",
    "order",
    "platform",
    "query",
    "repository",
    "search",
    "session",
    "storage",
    "widget",
];
/// The last part of a package.
pub const PARTS: [&str; 24] = [
    "adapter",
    "api",
    "base",
    "binding",
    "common",
    "content",
    "core",
    "di",
    "domain",
    "event",
    "flow",
    "impl",
    "internal",
    "local",
    "model",
    "network",
    "presentation",
    "remote",
    "state",
    "text",
    "ui",
    "util",
    "view",
    "worker",
];
/// How a class in a package begins: each once.
pub const FIRST: [&str; 32] = [
    "Abstract",
    "Async",
    "Basic",
    "Buffered",
    "Cached",
    "Composite",
    "Concurrent",
    "Default",
    "Deferred",
    "Delegating",
    "Dynamic",
    "Eager",
    "Filtered",
    "Generic",
    "Immutable",
    "Indexed",
    "Lazy",
    "Local",
    "Managed",
    "Merged",
    "Mutable",
    "Nested",
    "Observable",
    "Paged",
    "Parallel",
    "Persistent",
    "Remote",
    "Scoped",
    "Shared",
    "Simple",
    "Static",
    "Suspending",
];
/// How it ends.
pub const SECOND: [&str; 24] = [
    "Adapter",
    "AddressFormatter",
    "Binder",
    "CheckoutPresenter",
    "ConnectionPool",
    "Dispatcher",
    "Exception",
    "FragmentFactory",
    "ImageLoader",
    "InventoryRepository",
    "JsonReader",
    "LayoutManager",
    "Mapper",
    "NavigationController",
    "Observer",
    "PaymentSession",
    "PriceCalculator",
    "RequestQueue",
    "SettingsActivity",
    "ShippingEstimator",
    "Tracker",
    "UseCase",
    "ViewModel",
    "WorkScheduler",
];
/// The one of [`SECOND`] that can be thrown.
pub const EXCEPTION: &str = "Exception";
/// Classes within others: by their number in the package, so that each is there once.
pub const INNER: [&str; 32] = [
    "Companion",
    "Builder",
    "Entry",
    "Holder",
    "Callback",
    "Factory",
    "State",
    "Listener",
    "Node",
    "Cursor",
    "Options",
    "Result",
    "Key",
    "Loader",
    "Itr",
    "Values",
    "Worker",
    "Segment",
    "Token",
    "Visitor",
    "Event",
    "Config",
    "Action",
    "Snapshot",
    "Filter",
    "Scope",
    "Handle",
    "Bounds",
    "Decoder",
    "Encoder",
    "Context",
    "Policy",
];
/// How a method begins.
pub const VERBS: [&str; 28] = [
    "add", "apply", "bind", "build", "clear", "close", "compute", "create", "decode", "dispatch",
    "emit", "find", "get", "handle", "invoke", "load", "map", "merge", "notify", "on", "open",
    "parse", "read", "remove", "resolve", "set", "update", "write",
];
/// How it ends.
pub const NOUNS: [&str; 28] = [
    "Address",
    "Basket",
    "Buffer",
    "Cart",
    "Changed",
    "Children",
    "Connection",
    "Created",
    "Discount",
    "Element",
    "Frame",
    "Header",
    "Image",
    "Index",
    "Item",
    "Key",
    "Layout",
    "Listener",
    "Message",
    "Order",
    "Price",
    "Request",
    "Response",
    "Result",
    "Session",
    "Shipping",
    "State",
    "Value",
];
/// Methods that Kotlin's compiler names.
pub const KOTLIN: [&str; 8] = [
    "component1",
    "component2",
    "copy$default",
    "getCoroutineContext",
    "invoke",
    "invokeSuspend",
    "getOrDefault$default",
    "collect",
];
/// Primitive types, and what descriptors call them.
pub const PRIMITIVES: [(&str, &str); 6] =
    [("int", "I"), ("long", "J"), ("boolean", "Z"), ("float", "F"), ("byte", "B"), ("char", "C")];
/// Classes that keep their names.
pub const LIBRARY: [&str; 10] = [
    "java.lang.String",
    "java.lang.Object",
    "java.util.List",
    "java.util.Map",
    "android.content.Context",
    "android.os.Bundle",
    "android.view.View",
    "java.lang.CharSequence",
    "java.io.InputStream",
    "java.util.concurrent.Executor",
];
/// What the system throws.
pub const THROWABLES: [&str; 6] = [
    "java.lang.NullPointerException",
    "java.lang.IllegalStateException",
    "java.lang.IndexOutOfBoundsException",
    "java.lang.RuntimeException",
    "android.view.InflateException",
    "java.io.IOException",
];
/// What exceptions say. No word of them may be taken for a class.
pub const MESSAGES: [&str; 6] = [
    "Check failed.",
    "Index 7 out of bounds for length 3",
    "lateinit property adapter has not been initialized",
    "timeout",
    "Attempt to read from a null array",
    "HTTP 503 Service Unavailable",
];
/// Frames of the system, which no mapping has, innermost first.
pub const SYSTEM: [&str; 7] = [
    "android.os.Handler.handleCallback(Handler.java:958)",
    "android.os.Handler.dispatchMessage(Handler.java:99)",
    "android.os.Looper.loopOnce(Looper.java:230)",
    "android.os.Looper.loop(Looper.java:319)",
    "android.app.ActivityThread.main(ActivityThread.java:8893)",
    "java.lang.reflect.Method.invoke(Native Method)",
    "com.android.internal.os.ZygoteInit.main(ZygoteInit.java:1103)",
];

/// The name that comes `number`th: `a` to `z`, `aa`, `ba`, …; digits behind the first letter.
pub fn short(mut number: u64) -> String {
    const LETTERS: [char; 36] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r',
        's', 't', 'u', 'v', 'w', 'x', 'y', 'z', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
    ];
    let mut name = String::from(pick(&LETTERS[..26], number));
    number /= 26;
    while number > 0 {
        number -= 1;
        name.push(pick(&LETTERS, number));
        number /= 36;
    }
    name
}

/// Item `number` of `list`, which is not empty, from the beginning again behind its end.
pub fn pick<T: Copy>(list: &[T], number: u64) -> T {
    let index = usize::try_from(number % list.len() as u64).unwrap_or_default();
    list[index]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn short_names_are_all_different() {
        assert_eq!([0, 25, 26, 27, 26 + 26 * 36].map(short), ["a", "z", "aa", "ba", "aaa"]);
        let names: HashSet<String> = (0..100_000).map(short).collect();
        assert_eq!(names.len(), 100_000);
    }

    #[test]
    fn words_of_a_list_are_all_different() {
        for list in [&FIRST[..], &INNER, &ROOTS, &AREAS, &PARTS] {
            assert_eq!(list.iter().collect::<HashSet<_>>().len(), list.len());
        }
        assert!(SECOND.contains(&EXCEPTION));
    }
}
