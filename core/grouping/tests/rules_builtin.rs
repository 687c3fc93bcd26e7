//! The built-in rules on stacks as they are. Stacks are written crash side first.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that fails says so by panicking")]

use std::time::Instant;

use symtool_grouping::normal::function;
use symtool_grouping::rules::{Family, FrameFacts, FrameMatches, Judged, Rules};

fn native(name: &str) -> FrameFacts<'_> {
    FrameFacts { function: Some(name), ..FrameFacts::default() }
}

fn judge(rules: &Rules, frames: &[FrameFacts<'_>]) -> Judged {
    let seen: Vec<FrameMatches> = frames.iter().map(|frame| rules.look(frame)).collect();
    rules.judge(&seen.iter().collect::<Vec<_>>(), None)
}

/// Frames as `[.|a][.|g] package function`: what each has to become. The package may be `-`.
fn builtin(stack: &str) {
    check_family(stack, Family::Native);
}

fn check_family(stack: &str, family: Family) {
    let rules = Rules::builtin();
    let lines: Vec<(&str, &str, &str)> = stack
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .filter_map(|line| {
            let (flags, rest) = line.split_once(' ')?;
            let (package, name) = rest.split_once(' ')?;
            Some((flags, package, name))
        })
        .collect();
    assert!(!lines.is_empty());
    let normals: Vec<String> = lines.iter().map(|(.., name)| function(name)).collect();
    let frames: Vec<FrameFacts<'_>> = lines
        .iter()
        .zip(&normals)
        .map(|((_, package, name), normal)| match family {
            Family::Native => FrameFacts {
                normal: Some(normal),
                package: Some(*package).filter(|path| *path != "-"),
                ..native(name)
            },
            _ => FrameFacts { family, module: Some(package), ..native(name) },
        })
        .collect();
    let judged = judge(&rules, &frames);
    for ((flags, package, name), frame) in lines.iter().zip(&judged.frames) {
        let got = format!(
            "{}{}",
            if frame.in_app { 'a' } else { '.' },
            if frame.counts { 'g' } else { '.' }
        );
        let why = [frame.in_app_by, frame.counts_by].map(|by| rules.because(by));
        assert_eq!(got, *flags, "{package} {name}: {why:?}");
    }
}

#[test]
fn builtin_rules_can_be_read() {
    let rules = Rules::builtin();
    assert!(rules.len() > 300, "{}", rules.len());
    for (name, text) in Rules::builtin_texts() {
        let rules = Rules::parse(text, name).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(rules.without_effect().count(), 0);
    }
}

#[test]
fn ios_abort() {
    builtin(
        "
        .. /usr/lib/system/libsystem_kernel.dylib __pthread_kill
        .. /usr/lib/system/libsystem_pthread.dylib pthread_kill
        .. /usr/lib/system/libsystem_c.dylib abort
        ag /private/var/containers/Bundle/Application/859E6782/App.app/Frameworks/Lib.framework/Lib -[CRLCrashAbort crash]
        ag /var/containers/Bundle/Application/859E6782/App.app/App -[DetailViewController doCrash]
        .g /System/Library/Frameworks/UIKit.framework/UIKit -[UIApplication sendAction:to:from:forEvent:]
        ag /var/containers/Bundle/Application/859E6782/App.app/App main
        .. /usr/lib/system/libdyld.dylib start",
    );
}

#[test]
fn objective_c_exception() {
    builtin(
        "
        .. /System/Library/Frameworks/CoreFoundation.framework/CoreFoundation __exceptionPreprocess
        .. /usr/lib/libobjc.A.dylib objc_exception_throw
        .. /System/Library/Frameworks/CoreFoundation.framework/CoreFoundation +[NSException raise:format:arguments:]
        .. /System/Library/Frameworks/Foundation.framework/Foundation -[NSAssertionHandler handleFailureInMethod:object:file:lineNumber:description:]
        ag /var/containers/Bundle/Application/1/App.app/App -[Foo bar]
        .g /usr/lib/system/libdispatch.dylib _dispatch_call_block_and_release
        .. /usr/lib/system/libsystem_pthread.dylib _pthread_wqthread
        .. /usr/lib/system/libsystem_pthread.dylib start_wqthread",
    );
}

#[test]
fn simulator_and_swift() {
    builtin(
        "
        .. /Users/me/Library/Developer/CoreSimulator/Devices/D/data/Containers/Bundle/Application/B/App.app/Frameworks/libswiftCore.dylib specialized _fatalErrorMessage(StaticString, flags : UInt32) -> Never
        ag /Users/me/Library/Developer/CoreSimulator/Devices/D/data/Containers/Bundle/Application/B/App.app/Frameworks/CrashLib.framework/CrashLib @objc CRLCrashSwift.crash() -> ()
        .g /Applications/Xcode.app/Contents/Developer/Platforms/iPhoneSimulator.platform/Developer/SDKs/iPhoneSimulator.sdk/System/Library/Frameworks/UIKit.framework/UIKit UIApplicationMain
        .g /Library/Developer/CoreSimulator/Volumes/iOS/Runtimes/iOS.simruntime/Contents/Resources/RuntimeRoot/usr/lib/dyld_sim start_sim
        ag /Users/me/Library/Developer/CoreSimulator/Devices/D/data/Containers/Bundle/Application/B/App.app/App main
        .. /Users/me/Library/Developer/CoreSimulator/Devices/D/data/Containers/Bundle/Application/B/App.app/Frameworks/KSCrash.framework/KSCrash handleExceptions",
    );
}

#[test]
fn android_tombstone() {
    builtin(
        "
        .. /apex/com.android.runtime/lib64/bionic/libc.so abort
        .. /data/app/~~a==/com.x-b==/lib/arm64/libx.so __cxa_throw
        ag /data/app/~~a==/com.x-b==/lib/arm64/libx.so Foo::bar(int)
        ag /data/app/~~a==/com.x-b==/base.apk!libx.so Java_com_x_Foo_bar
        .g /apex/com.android.art/lib64/libart.so art_quick_generic_jni_trampoline
        .g /data/app/~~a==/com.x-b==/lib/arm64/libc++_shared.so f
        .g /system/lib64/libandroid_runtime.so android::AndroidRuntime::start(char const*)
        .. /apex/com.android.runtime/lib64/bionic/libc.so __pthread_start(void*)
        .. /apex/com.android.runtime/lib64/bionic/libc.so __start_thread",
    );
}

#[test]
fn rust_panic() {
    builtin(
        "
        .. /lib/x86_64-linux-gnu/libc.so.6 abort
        .. /app/server std::sys::unix::abort_internal
        .. /app/server std::panicking::rust_panic_with_hook
        .. /app/server rust_begin_unwind
        .. /app/server core::panicking::panic_fmt
        .. /app/server core::option::Option<T>::unwrap
        ag /app/server server::handle
        ag /app/server <server::Job as core::future::future::Future>::poll
        ag /app/server server::main
        .. /app/server core::ops::function::FnOnce::call_once
        .. /app/server std::sys_common::backtrace::__rust_begin_short_backtrace
        .. /app/server std::rt::lang_start::{{closure}}
        ag /app/server main
        .. /lib/x86_64-linux-gnu/libc.so.6 __libc_start_main",
    );
}

#[test]
fn breakpad_handler() {
    builtin(
        "
        .. /app/bin/tool google_breakpad::ExceptionHandler::GenerateDump(google_breakpad::ExceptionHandler::CrashContext*)
        .. /app/bin/tool google_breakpad::ExceptionHandler::SignalHandler(int, siginfo_t*, void*)
        .. /usr/lib/libc.so.6 __restore_rt
        ag /app/bin/tool a::crash()
        ag /app/bin/tool main",
    );
}

#[test]
fn what_calls_back_takes_nothing_along() {
    builtin(
        "
        ag /var/containers/Bundle/Application/1/App.app/App -[Wick light]
        .. /System/Library/Frameworks/CoreFoundation.framework/CoreFoundation __invoking___
        .. /System/Library/Frameworks/CoreFoundation.framework/CoreFoundation -[NSInvocation invoke]
        ag /var/containers/Bundle/Application/1/App.app/App -[Proxy forwardInvocation:]
        .. /System/Library/Frameworks/CoreFoundation.framework/CoreFoundation ___forwarding___
        .. /System/Library/Frameworks/CoreFoundation.framework/CoreFoundation _CF_forwarding_prep_0
        ag /var/containers/Bundle/Application/1/App.app/App -[Lamp refill]",
    );
    builtin(
        "
        ag /app/tool by_height(void const*, void const*)
        .. /app/tool __interceptor_qsort
        ag /app/tool sort_all()
        .. /app/tool __asan::AsanThread::ThreadStart(unsigned long long)
        .. /lib/x86_64-linux-gnu/libc.so.6 start_thread",
    );
    builtin(
        "
        ag /app/tool my_writer
        .. /usr/lib/x86_64-linux-gnu/libglib-2.0.so.0 g_log_structured_array
        ag /app/tool load_file",
    );
}

#[test]
fn failed_checks() {
    builtin(
        "
        .. /app/browser base::debug::BreakDebuggerAsyncSafe()
        .. /app/browser base::ImmediateCrash()
        .. /app/browser logging::LogMessage::HandleFatal(unsigned long, std::string const&) const
        .. /app/browser logging::LogMessage::~LogMessage()
        .. /app/browser logging::CheckError::~CheckError()
        ag /app/browser blink::Node::insertBefore(blink::Node*)",
    );
    builtin(
        "
        .. - raise
        .. - abort
        .. - my::detail::assertion_failed(char const*)
        ag - my::load(int)",
    );
    builtin(
        "
        .. - runtime.throw
        .. - runtime.panicmem
        .. - runtime.sigpanic
        ag - main.load
        .. - runtime.main",
    );
}

#[test]
fn fuzzers() {
    builtin(
        "
        .. /out/fuzz __sanitizer_print_stack_trace
        .. /out/fuzz fuzzer::PrintStackTrace()
        .. /lib/x86_64-linux-gnu/libc.so.6 abort
        ag /out/fuzz doc::load(char const*)
        ag /out/fuzz LLVMFuzzerTestOneInput
        .. /out/fuzz fuzzer::Fuzzer::ExecuteCallback(unsigned char const*, unsigned long)
        ag /out/fuzz main",
    );
    let rules = Rules::builtin();
    let judged = judge(&rules, &[native("doc::load"), native("LLVMFuzzerTestOneInput")]);
    assert_eq!(judged.max_frames.map(|limit| limit.frames), Some(3));
}

#[test]
fn cpp_throw() {
    builtin(
        "
        .. /lib/x86_64-linux-gnu/libc.so.6 gsignal
        .. /lib/x86_64-linux-gnu/libc.so.6 abort
        .. /lib/x86_64-linux-gnu/libstdc++.so.6 __gnu_cxx::__verbose_terminate_handler()
        .. /lib/x86_64-linux-gnu/libstdc++.so.6 std::terminate()
        .. /lib/x86_64-linux-gnu/libstdc++.so.6 __cxa_throw
        .. /lib/x86_64-linux-gnu/libstdc++.so.6 std::__throw_out_of_range_fmt(char const*, ...)
        .g /app/bin/tool std::vector<int, std::allocator<int>>::at(unsigned long)
        ag /app/bin/tool a::run(std::vector<int> const&)
        .. /app/bin/tool std::thread::_State_impl<std::thread::_Invoker<std::tuple<void (*)()>>>::_M_run()
        .. /lib/x86_64-linux-gnu/libc.so.6 start_thread",
    );
}

#[test]
fn java() {
    check_family(
        "
        .. java.util.Objects requireNonNull
        ag com.x.Repo load
        .. java.lang.reflect.Method invoke
        .. com.x.Repo$$EnhancerBySpringCGLIB$$1a2b get
        .g android.os.Handler dispatchMessage
        .g androidx.fragment.app.Fragment performCreate
        ag com.x.MainActivity onCreate
        .. com.android.internal.os.ZygoteInit main
        .. java.lang.Thread run",
        Family::Other,
    );
}

#[test]
fn users_have_the_last_word() {
    let rules = Rules::with_builtin(&[(
        "mine",
        "package:/usr/lib/ceph/** +app\nfunction:my_abort -app -group ^-group",
    )])
    .unwrap();
    let frame = FrameFacts { package: Some("/usr/lib/ceph/libx.so"), ..native("f") };
    let judged = judge(&rules, &[native("x"), native("my_abort"), frame]);
    assert_eq!(
        judged.frames.iter().map(|frame| (frame.in_app, frame.counts)).collect::<Vec<_>>(),
        [(true, false), (false, false), (true, true)]
    );
    assert_eq!(rules.because(judged.frames[2].in_app_by), "mine:1 package:/usr/lib/ceph/** +app");
}

/// `cargo test --release -p symtool-grouping --test rules_builtin -- --ignored --nocapture`
#[test]
#[ignore = "prints times"]
fn speed() {
    let rules = Rules::builtin();
    let packages = [
        "/usr/lib/libc.so.6",
        "/System/Library/Frameworks/UIKit.framework/UIKit",
        "/app/bin/tool",
        "/data/app/x/lib/arm64/libx.so",
    ];
    let names: Vec<String> = (0..1000)
        .map(|at| format!("ns{}::Class{at}::method(int, std::string const&)", at % 7))
        .collect();
    let normals: Vec<String> = names.iter().map(|name| function(name)).collect();
    let facts: Vec<FrameFacts<'_>> = (0..1000)
        .map(|at| FrameFacts {
            normal: Some(&normals[at]),
            package: Some(packages[at % 4]),
            ..native(&names[at])
        })
        .collect();
    let start = Instant::now();
    let mut seen = Vec::new();
    for _ in 0..20 {
        seen = facts.iter().map(|facts| rules.look(facts)).collect();
    }
    println!("{} rules; look: {:?}", rules.len(), start.elapsed() / 20_000);
    let abort = rules.look(&FrameFacts { package: Some(packages[0]), ..native("abort") });
    let mut judged = Judged::default();
    let start = Instant::now();
    for round in 0..100_000 {
        let mut stack: [&FrameMatches; 20] =
            std::array::from_fn(|at| &seen[(round + at * 37) % seen.len()]);
        stack[2] = &abort;
        rules.judge_into(&mut judged, &stack, None);
    }
    println!("judge of 20 frames: {:?}", start.elapsed() / 100_000);
}
