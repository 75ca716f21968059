//! Policies of the platform that Writ succeeds: its packages are imported, its documents read whole.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use libtest_mimic::Failed;
use serde_json::{Value, json};
use writ_tests::server::Server;

use crate::WRIT;
use crate::command_line::{succeed_on, writ};
use crate::{Check, fail};

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("import::a_package_is_registered_from_a_folder_an_archive_and_a_url", packages),
    ("import::code_that_is_a_place_says_how_to_import_it", code_that_is_a_place),
    ("import::a_policy_is_read_with_every_field", every_field),
];

const CODE: &str = "class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        self.allowed = settings.get('allowed', [])
    def eval(self, parameters, input_data, context):
        return {'allowed': input_data['ip'] in self.allowed}
";

fn packages() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir(path("code"))?;
    std::fs::write(path("code/function.py"), CODE)?;
    std::fs::write(path("code/requirements.txt"), "requests==2.31\n")?;
    let document = json!({
        "name": "listed", "version": "1.0", "release_tag": "beta", "type": "python_class_v1",
        "code": "https://example.com/listed.zip", "policy_settings": {"allowed": ["10.0.0.1"]},
    });
    std::fs::write(path("policy.json"), document.to_string())?;
    let mut archive = tar::Builder::new(flate2::write::GzEncoder::new(
        Vec::new(),
        flate2::Compression::default(),
    ));
    archive.append_dir_all("code", path("code"))?;
    let archive = archive.into_inner()?.finish()?;
    std::fs::write(path("listed.tar.gz"), &archive)?;

    let (source, document) = (path(""), path("policy.json"));
    let import = |source: &str| writ(Some(&server), &["policy", "import", source, "-f", &document]);
    let imported = import(&source)?;
    let warnings = String::from_utf8_lossy(&imported.stderr).into_owned();
    if !imported.status.success() || !warnings.contains("the library `requests`") {
        return fail(format!("{imported:?}"));
    }
    let input = json!({"policy_rule_uri": "listed:1.0-beta", "input_data": {"ip": "10.0.0.1"}});
    for source in ["folder".to_owned(), path("listed.tar.gz"), serve_once(archive)?] {
        if source != "folder" {
            succeed_on(&server.url, None, &["policy", "delete", "listed:1.0-beta"])?;
            let imported = import(&source)?;
            if !imported.status.success() {
                return fail(format!("{source}: {imported:?}"));
            }
        }
        let answer = server.post("/executor/builtin/execute_policy", &input)?.json()?;
        if answer.pointer("/data/allowed") != Some(&Value::Bool(true)) {
            return fail(format!("{source}: {answer}"));
        }
    }
    let named = ["--name", "other", "--policy-version", "2", "--release-tag", "x"];
    succeed_on(&server.url, None, &[&["policy", "import", &source], &named[..]].concat())?;
    let absent = writ(Some(&server), &[&["policy", "import", "none"], &named[..]].concat())?;
    if absent.status.code() == Some(3) { Ok(()) } else { fail(format!("{absent:?}")) }
}

/// Serves these bytes to one request, and returns their URL.
fn serve_once(bytes: Vec<u8>) -> Result<String, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/listed.tar.gz", listener.local_addr()?);
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let _ = stream.read(&mut [0; 4096])?;
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", bytes.len())?;
        stream.write_all(&bytes)
    });
    Ok(url)
}

fn code_that_is_a_place() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    for place in ["https://example.com/policies/ip.zip", "./ip", "/srv/ip.tar.xz"] {
        let policy = json!({"name": "a", "version": "1", "release_tag": "x", "code": place});
        let refused = server.post("/policy", &policy)?;
        let problem = refused.json()?;
        let message = problem.pointer("/message").and_then(Value::as_str).unwrap_or_default();
        let help = format!("`writ policy import {place} ");
        if refused.status != 400 || !message.contains(&help) {
            return fail(format!("{refused:?}"));
        }
    }
    Ok(())
}

fn every_field() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    server.register("short", "python", CODE)?;
    let policy = json!({
        "name": "shorter", "version": "1.0", "release_tag": "test", "type": "python_class_v1",
        "code": CODE, "policy_settings": {"allowed": []},
    });
    let created = server.post("/policy", &policy)?.json()?;
    let read = server.get("/policy/shorter:1.0-test")?.json()?;
    let filter = json!({"code_type": "python", "functionality_data": {}, "name": "shorter"});
    let found = server.post("/policy/query", &filter)?.json()?;
    for (reply, policy) in [(&created, "/data"), (&read, "/data"), (&found, "/data/0")] {
        let member = |name: &str| reply.pointer(&format!("{policy}/{name}")).cloned();
        let optional = ["code_type", "functionality_data", "resource_estimates"].map(member);
        if optional != [json!("python"), json!({}), json!({})].map(Some) {
            return fail(reply.to_string());
        }
    }
    Ok(())
}
