//! Styles of receivers, commands, and who is not told.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{OK, add, assert_waits, base64, crash, events, generic, hmac, run, settings};
use crate::support::receiver::{Receiver, Reply};
use crate::support::{Run, Sandbox, testdata};

#[test]
fn styles_and_their_signatures() {
    for (style, reply) in [
        ("slack", OK),
        ("teams", Reply::Status(202, "", "")),
        ("feishu", Reply::Status(200, "", r#"{"code":0,"msg":"success"}"#)),
        ("dingtalk", Reply::Status(200, "", r#"{"errcode":0,"errmsg":"ok"}"#)),
    ] {
        let (sandbox, receiver) = (Sandbox::in_memory(), Receiver::new(&[reply]));
        let can_sign = ["feishu", "dingtalk"].contains(&style);
        let secret = if can_sign { "secret-env = \"OPS_SECRET\"\n" } else { "" };
        let file = sandbox.write("hook", format!("{}\n", receiver.url()));
        settings(
            &sandbox,
            &format!("url-file = \"{}\"\nstyle = \"{style}\"\nretry = 0\n{secret}", file.display()),
        );
        let events = sandbox.write("event.json", crash(1, "spill", "app@1.0", 0));
        let mut command = sandbox.guarded(None);
        command
            .args(["crash", "add", events.to_str().unwrap(), "--notify", "ops"])
            .env("OPS_SECRET", "hidden-secret");
        let told = Run::lossy(&command.output().unwrap());
        assert_eq!(told.code, 0, "{style}: {}", told.stderr);
        let request = receiver.got().remove(0);
        assert!(request.body.contains("spill"), "{style}");
        let query: BTreeMap<&str, &str> = request
            .path
            .split_once('?')
            .unwrap()
            .1
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .collect();
        assert_eq!(query["token"], "hidden-token");
        if style == "feishu" {
            let body = request.json();
            let key = format!("{}\nhidden-secret", body["timestamp"].as_str().unwrap());
            assert_eq!(body["sign"], base64(&hmac(key.as_bytes(), b"")));
        }
        if style == "dingtalk" {
            let text = format!("{}\nhidden-secret", query["timestamp"]);
            let want = base64(&hmac(b"hidden-secret", text.as_bytes()));
            let want = want.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
            assert_eq!(query["sign"], want);
        }
    }
}

#[test]
fn refusals_that_come_with_status_200() {
    for (style, reply, why) in [
        ("feishu", r#"{"code":19021,"msg":"hidden"}"#, "code 19021"),
        ("dingtalk", r#"{"errcode":310000,"errmsg":"hidden"}"#, "code 310000"),
        ("dingtalk", "<html>hidden</html>", "its answer is not that of such a bot"),
        ("teams", "Webhook message delivery failed with error: hidden", "could not deliver"),
    ] {
        let (sandbox, receiver) =
            (Sandbox::in_memory(), Receiver::new(&[Reply::Status(200, "", reply)]));
        settings(
            &sandbox,
            &format!("url = \"{}\"\nstyle = \"{style}\"\nretry = 0", receiver.url()),
        );
        let told = add(&sandbox, &[crash(1, "spill", "app@1.0", 0)], &["--notify", "ops"]);
        assert_waits(&told, why);
    }
}

#[test]
fn commands_get_the_notice_on_stdin() {
    let sandbox = Sandbox::in_memory();
    let out = sandbox.path("told");
    let command =
        format!("cat >{}; echo \"$SYMTOOL_NOTICE_ID\" >>{}", out.display(), out.display());
    let told = add(&sandbox, &[crash(1, "spill", "app@1.0", 0)], &["--notify-command", &command]);
    assert_eq!(told.code, 0, "{}", told.stderr);
    let text = fs::read_to_string(&out).unwrap();
    let (body, id) = text.trim_end().split_once('\n').unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["id"], &body["counts"]["new"]), (&json!(id), &json!(1)));
    // One that fails is told again, by name or not.
    settings(
        &sandbox,
        &format!(
            "command = \"test -e {0} && cat >{1}\"\nretry = 0",
            sandbox.path("up").display(),
            out.display()
        ),
    );
    let told = add(&sandbox, &[crash(2, "burst", "app@1.0", 0)], &["--notify", "ops"]);
    assert_waits(&told, "the command failed (exit status: 1)");
    sandbox.write("up", "");
    assert_eq!(run(&sandbox, &["reprocess", "--notify", "ops"]).code, 0);
    let body: Value = serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(body["events"][0]["title"], "burst");
}

#[test]
fn redirects_lead_nowhere() {
    let (sandbox, other) = (Sandbox::in_memory(), Receiver::new(&[]));
    for status in [301, 302, 303, 307, 308] {
        let location: &'static str =
            Box::leak(format!("Location: {}\r\n", other.url()).into_boxed_str());
        let receiver = Receiver::new(&[]);
        receiver.answer_always(Reply::Status(status, location, ""));
        generic(&sandbox, &receiver.url(), "");
        let told =
            add(&sandbox, &[crash(u64::from(status), "spill", "app@1.0", 0)], &["--notify", "ops"]);
        assert_eq!((told.code, receiver.got().len()), (75, 1), "{}", told.stderr);
    }
    assert_eq!(other.got().len(), 0);
}

#[test]
fn who_is_not_trusted_is_not_told() {
    let sandbox = Sandbox::in_memory();
    let add_one = |number: u64, certificate: Option<&Path>| {
        let path = sandbox.write("event.json", crash(number, &format!("f{number}"), "app@1.0", 0));
        let mut command = sandbox.guarded(None);
        command.args(["crash", "add", path.to_str().unwrap(), "--notify", "ops"]);
        match certificate {
            Some(path) => command.env("SSL_CERT_FILE", path),
            None => command.env_remove("SSL_CERT_FILE"),
        };
        command.env_remove("SSL_CERT_DIR").env("NO_PROXY", "localhost");
        Run::lossy(&command.output().unwrap())
    };
    let (receiver, trusted) = (Receiver::secure("localhost"), testdata("tls/localhost.pem"));
    generic(&sandbox, &format!("https://localhost:{}/hidden-path", receiver.port()), "");
    let (other, other_trusted) = (Receiver::secure("elsewhere"), testdata("tls/elsewhere.pem"));
    // Nobody vouches for it, or another does.
    assert_waits(&add_one(1, Some(&other_trusted)), "is not trusted");
    assert_eq!(receiver.got().len(), 0);
    // It has another name.
    generic(&sandbox, &format!("https://localhost:{}/hidden-path", other.port()), "");
    assert_waits(&add_one(2, Some(&other_trusted)), "is not trusted");
    assert_eq!(other.got().len(), 0);
    // It speaks no TLS.
    let plain = Receiver::new(&[]);
    generic(&sandbox, &format!("https://localhost:{}/hidden-path", plain.port()), "");
    let told = add_one(3, Some(&trusted));
    assert_eq!((told.code, told.stderr.contains("hidden")), (75, false), "{}", told.stderr);
    // As it should be.
    generic(&sandbox, &format!("https://localhost:{}/hidden-path", receiver.port()), "");
    let told = add_one(4, Some(&trusted));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let told: usize = receiver.got().iter().map(|request| events(request).len()).sum();
    assert_eq!(told, 4);
    // Without TLS only this machine is told.
    generic(&sandbox, "http://192.0.2.1/hidden-path", "");
    let refused = add_one(5, None);
    assert_eq!(refused.code, 2);
    assert!(
        refused.stderr.contains("use https") && !refused.stderr.contains("hidden"),
        "{}",
        refused.stderr
    );
}

#[test]
fn names_that_the_settings_do_not_have() {
    let sandbox = Sandbox::in_memory();
    let told = add(&sandbox, &[crash(1, "spill", "app@1.0", 0)], &["--notify", "ops"]);
    assert_eq!(told.code, 2);
    assert!(
        told.stderr.contains("symtool.toml has no [notify.ops]; it has none"),
        "{}",
        told.stderr
    );
    settings(&sandbox, "url-env = \"NOWHERE_SET\"\nstyle = \"slack\"");
    let told = add(&sandbox, &[crash(1, "spill", "app@1.0", 0)], &["--notify", "ops"]);
    assert_eq!(told.code, 2);
    assert!(told.stderr.contains("$NOWHERE_SET (url-env) is not set"), "{}", told.stderr);
    assert!(!sandbox.store().exists());
}
