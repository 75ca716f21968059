//! `writ policy diff URI`: compares two revisions of a policy.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::history::fetch_newest;
use crate::client::{ApiRequest, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::Format;
use crate::style::{ADDED, BOLD, FRAME, REMOVED, apply_style, sanitize};

/// Prints a unified diff of the documents as indented JSON, and one of the code.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// The older revision [default: the one before `--to`]
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// The newer revision [default: the newest]
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    /// Exit with 1 if the revisions differ
    #[arg(long)]
    exit_code: bool,
}

#[derive(Deserialize)]
struct Numbered {
    revision: u64,
}

impl Diff {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let client = global.client()?;
        let to = match self.to {
            Some(to) => to,
            None => self.newest_revision(&client)?,
        };
        let from = match self.from {
            Some(from) => from,
            None if to > 1 => to - 1,
            None => {
                return Err(CliError::usage(format!(
                    "no revision precedes revision {to} of `{}`",
                    self.uri
                ))
                .help("set the other one with `--from`"));
            }
        };
        let old = self.fetch(&client, from)?;
        let new = self.fetch(&client, to)?;
        let names = [format!("{}@{from}", self.uri), format!("{}@{to}", self.uri)];
        let text = render_diffs(&names, &old, &new);
        match global.terminal().format() {
            Format::Table => global.terminal().print_styled(&text)?,
            Format::Json | Format::Yaml => {
                let plain = anstream::adapter::strip_str(&text).to_string();
                let data = json!({"from": from, "to": to, "same": text.is_empty(), "diff": plain});
                global.terminal().print(&data.to_string(), |_| String::new())?;
            }
        }
        if text.is_empty() {
            global.terminal().note(&format!("revisions {from} and {to} are the same"));
        }
        Ok(if self.exit_code && !text.is_empty() { Exit::Failed } else { Exit::Success })
    }

    fn newest_revision(&self, client: &Client) -> Result<u64, CliError> {
        let revisions = fetch_newest(client, &self.uri, 1)?;
        revisions
            .first()
            .and_then(|raw| serde_json::from_str::<Numbered>(raw.get()).ok())
            .map(|numbered| numbered.revision)
            .ok_or_else(|| {
                CliError::new(
                    Exit::Internal,
                    format!("the server returned no revision of `{}`", self.uri),
                )
            })
    }

    fn fetch(&self, client: &Client, revision: u64) -> Result<Value, CliError> {
        let response = client.send(&ApiRequest::get(&[
            "policy",
            &self.uri,
            "revisions",
            &revision.to_string(),
        ]))?;
        serde_json::from_str(&response.data)
            .map_err(|_| CliError::new(Exit::Internal, "the server's revision is malformed"))
    }
}

/// Renders both diffs as styled text; empty if nothing changed.
fn render_diffs(names: &[String; 2], old: &Value, new: &Value) -> String {
    let mut text = render_diff(names, "", &document(old), &document(new));
    text.push_str(&render_diff(names, " code", &code(old), &code(new)));
    text
}

fn render_diff([old_name, new_name]: &[String; 2], suffix: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut hunks = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        hunks.push_str(&format!("{}\n", apply_style(FRAME, &hunk.header().to_string())));
        for change in hunk.iter_changes() {
            let line = sanitize(change.value().trim_end_matches('\n'));
            let line = match change.tag() {
                ChangeTag::Delete => apply_style(REMOVED, &format!("-{line}")),
                ChangeTag::Insert => apply_style(ADDED, &format!("+{line}")),
                ChangeTag::Equal => format!(" {line}"),
            };
            hunks.push_str(&format!("{line}\n"));
            if change.missing_newline() {
                hunks.push_str("\\ No newline at end of file\n");
            }
        }
    }
    if hunks.is_empty() {
        return hunks;
    }
    let header = |sign: &str, name: &str| apply_style(BOLD, &format!("{sign} {name}{suffix}"));
    format!("{}\n{}\n{hunks}", header("---", old_name), header("+++", new_name))
}

/// The document without its code, as indented JSON.
fn document(policy: &Value) -> String {
    let mut policy = policy.clone();
    if let Value::Object(members) = &mut policy {
        members.shift_remove("code");
    }
    format!("{policy:#}\n")
}

fn code(policy: &Value) -> String {
    policy.get("code").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::plain;

    fn diff(old: &Value, new: &Value) -> String {
        plain(&render_diffs(&["a:1-b@1".to_owned(), "a:1-b@2".to_owned()], old, new))
    }

    #[test]
    fn the_document_and_the_code_are_compared_apart() {
        let old = json!({"name": "a", "n": 1, "code": "x = 1\ny = 2\n"});
        let new = json!({"name": "a", "n": 2, "code": "x = 1\ny = 3\n"});
        assert_eq!(
            diff(&old, &new),
            "--- a:1-b@1\n+++ a:1-b@2\n@@ -1,4 +1,4 @@\n {\n   \"name\": \"a\",\n-  \"n\": 1\n+  \"n\": 2\n }\n\
             --- a:1-b@1 code\n+++ a:1-b@2 code\n@@ -1,2 +1,2 @@\n x = 1\n-y = 2\n+y = 3\n"
        );
    }

    #[test]
    fn the_same_gives_nothing_and_a_lost_line_end_is_said() {
        let old = json!({"name": "a", "code": "x\n"});
        assert_eq!(diff(&old, &old), "");
        let text = diff(&old, &json!({"name": "a", "code": "x"}));
        assert!(text.contains("+x\n\\ No newline at end of file\n"), "{text}");
        assert!(!text.contains("\"name\""), "{text}");
    }
}
