//! The text that `writ up` prints when the platform serves.

use writ_embedded::ServerInfo;
use writ_engine::SandboxReport;
use writ_model::Language;

use crate::style::{BOLD, WARNING, apply_style};

/// The base URL of the platform.
pub(super) fn url(ready: &ServerInfo) -> String {
    format!("http://{}", ready.address)
}

/// The address, the configuration and a first request, as styled text.
pub(super) fn banner(ready: &ServerInfo) -> String {
    let url = url(ready);
    let is_local = ready.address.ip().is_loopback();
    let data = match &ready.file {
        Some(file) => file.display().to_string(),
        None => "in memory, deleted at the end".to_owned(),
    };
    let callers = match (is_local, ready.requires_token) {
        (true, false) => "your user on this machine, without a token; others on it, with one",
        (true, true) => "this machine alone, with a token",
        (false, _) => "any host, with a token",
    };
    let callers = match &ready.issuer {
        Some(issuer) => format!("{callers}, or with a JWT of {issuer}"),
        None => callers.to_owned(),
    };
    let engines: Vec<_> = Language::ALL
        .iter()
        .map(|language| format!("{language} ({})", writ_engine::engine_version(*language)))
        .collect();
    let mut text = format!(
        "{} {} serves {}\n\n",
        apply_style(BOLD, "Writ"),
        env!("CARGO_PKG_VERSION"),
        apply_style(BOLD, &url)
    );
    for (name, value) in [
        ("data", data),
        ("routes", format!("{}, described at {url}/docs", ready.routes)),
        ("engines", engines.join(", ")),
        ("sandbox", sandbox(&ready.sandbox)),
        ("callers", callers),
    ] {
        text.push_str(&format!("  {name:<9}{value}\n"));
    }
    text.push_str(&first_curl(&url, ready.requires_token));
    text
}

fn sandbox(report: &SandboxReport) -> String {
    if report.is_complete() {
        return format!("whole: {} of {0} capabilities are permitted", report.capabilities.len());
    }
    let missing: Vec<_> = report
        .capabilities
        .iter()
        .filter_map(|capability| {
            let why = capability.missing.as_ref()?;
            Some(format!("`{}` ({}): {why}", capability.name, capability.purpose))
        })
        .collect();
    apply_style(WARNING, &format!("weak: this host does not permit {}", missing.join("; ")))
}

/// Two `curl` commands that register a policy and run it.
fn first_curl(url: &str, requires_token: bool) -> String {
    let token = if requires_token { " -H \"Authorization: Bearer $WRIT_TOKEN\"" } else { "" };
    let json = format!("{token} -H 'Content-Type: application/json'");
    let policy = r#"{"name": "hello", "version": "1.0", "release_tag": "beta", "code": "class AIOSv1PolicyRule:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n\n    def eval(self, parameters, input_data, context):\n        return {\"hello\": input_data[\"name\"]}\n"}"#;
    let run = r#"{"policy_rule_uri": "hello:1.0-beta", "input_data": {"name": "world"}}"#;
    format!(
        "\nRegister a policy and run it:\n\n  \
         curl {url}/policy{json} -d '{policy}'\n\n  \
         curl {url}/executor/builtin/execute_policy{json} -d '{run}'\n\n\
         Ctrl-C stops.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::plain;
    use serde_json::Value;
    use std::net::SocketAddr;
    use writ_engine::Capability;
    use writ_model::PolicyRule;

    fn ready(address: &str, missing: Option<&str>) -> ServerInfo {
        let capability = Capability {
            name: "seccomp",
            purpose: "the allow-list of system calls",
            essential: false,
            missing: missing.map(str::to_owned),
        };
        let address: SocketAddr = address.parse().unwrap();
        ServerInfo {
            address,
            file: None,
            routes: 16,
            requires_token: !address.ip().is_loopback(),
            issuer: None,
            sandbox: SandboxReport { capabilities: vec![capability] },
        }
    }

    #[test]
    fn the_first_curl_holds_a_policy_and_an_input_for_it() {
        let text = plain(&banner(&ready("127.0.0.1:5000", None)));
        let bodies: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once(" -d '")?.1.strip_suffix('\''))
            .collect();
        let [policy, run] = bodies.as_slice() else { unreachable!("{text}") };
        let policy = PolicyRule::from_json(policy).unwrap();
        let run: Value = serde_json::from_str(run).unwrap();
        assert_eq!(run["policy_rule_uri"], policy.policy_rule_uri.to_string());
        assert!(!policy.code.contains('\''), "the shell would end the text there");
    }

    #[test]
    fn a_weak_sandbox_is_said_with_what_is_missing() {
        let text = plain(&banner(&ready("127.0.0.1:5000", Some("EPERM"))));
        assert!(
            text.contains(
                "weak: this host does not permit `seccomp` (the allow-list of system calls): EPERM"
            ),
            "{text}"
        );
        let text = plain(&banner(&ready("127.0.0.1:5000", None)));
        assert!(text.contains("whole: 1 of 1"), "{text}");
    }

    #[test]
    fn an_issuer_is_named_among_the_callers() {
        let issuer = Some("https://issuer.example".to_owned());
        let text = plain(&banner(&ServerInfo { issuer, ..ready("127.0.0.1:5000", None) }));
        assert!(text.contains("with one, or with a JWT of https://issuer.example\n"), "{text}");
    }

    #[test]
    fn where_tokens_are_required_the_curl_carries_one() {
        let required = ServerInfo { requires_token: true, ..ready("127.0.0.1:5000", None) };
        let text = plain(&banner(&required));
        assert!(text.contains("this machine alone, with a token\n"), "{text}");
        assert!(text.contains("Bearer $WRIT_TOKEN"), "{text}");
    }

    #[test]
    fn beyond_this_machine_the_curl_carries_a_token() {
        for (address, carries) in [("0.0.0.0:80", true), ("[::1]:5000", false)] {
            let text = plain(&banner(&ready(address, None)));
            assert_eq!(text.contains("Bearer $WRIT_TOKEN"), carries, "{text}");
            assert!(text.contains(&format!("serves http://{address}\n")), "{text}");
        }
    }
}
