//! `writ policy diff URI`: what changed between two revisions.

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::history::newest;
use crate::args::Global;
use crate::client::{Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;
use crate::style::{ADDED, FRAME, REMOVED, STRONG, harmless, paint};

/// The document as pretty JSON, its code as code, each as a unified diff.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// The older revision; the one before `--to` without it
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// The newer revision; the newest without it
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    /// Exit with 1 where they differ
    #[arg(long)]
    exit_code: bool,
}

#[derive(Deserialize)]
struct Numbered {
    revision: u64,
}

impl Diff {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let client = global.client()?;
        let to = match self.to {
            Some(to) => to,
            None => self.newest(&client)?,
        };
        let from = match self.from {
            Some(from) => from,
            None if to > 1 => to - 1,
            None => {
                return Err(Failure::usage(format!(
                    "revision {to} of `{}` has none before it",
                    self.uri
                ))
                .help("name the other one by `--from`"));
            }
        };
        let old = self.fetch(&client, from)?;
        let new = self.fetch(&client, to)?;
        let names = [format!("{}@{from}", self.uri), format!("{}@{to}", self.uri)];
        let text = unified(&names, &old, &new);
        match global.terminal().format() {
            Format::Table => global.terminal().styled(&text)?,
            Format::Json | Format::Yaml => {
                let plain = anstream::adapter::strip_str(&text).to_string();
                let data = json!({"from": from, "to": to, "same": text.is_empty(), "diff": plain});
                global.terminal().show(&data.to_string(), |_| String::new())?;
            }
        }
        if text.is_empty() {
            global.terminal().note(&format!("revisions {from} and {to} are the same"));
        }
        Ok(if self.exit_code && !text.is_empty() { Exit::Failed } else { Exit::Success })
    }

    fn newest(&self, client: &Client) -> Result<u64, Failure> {
        let revisions = newest(client, &self.uri, 1)?;
        revisions
            .first()
            .and_then(|raw| serde_json::from_str::<Numbered>(raw.get()).ok())
            .map(|numbered| numbered.revision)
            .ok_or_else(|| {
                Failure::new(
                    Exit::Internal,
                    format!("the server knows no revision of `{}`", self.uri),
                )
            })
    }

    fn fetch(&self, client: &Client, revision: u64) -> Result<Value, Failure> {
        let answer =
            client.send(&Call::get(&["policy", &self.uri, "revisions", &revision.to_string()]))?;
        serde_json::from_str(&answer.data)
            .map_err(|_| Failure::new(Exit::Internal, "the server's revision is no policy"))
    }
}

/// Both diffs, styled; nothing where nothing changed.
fn unified(names: &[String; 2], old: &Value, new: &Value) -> String {
    let mut text = changes(names, "", &document(old), &document(new));
    text.push_str(&changes(names, " code", &code(old), &code(new)));
    text
}

fn changes([old_name, new_name]: &[String; 2], suffix: &str, old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut hunks = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        hunks.push_str(&format!("{}\n", paint(FRAME, &hunk.header().to_string())));
        for change in hunk.iter_changes() {
            let line = harmless(change.value().trim_end_matches('\n'));
            let shown = match change.tag() {
                ChangeTag::Delete => paint(REMOVED, &format!("-{line}")),
                ChangeTag::Insert => paint(ADDED, &format!("+{line}")),
                ChangeTag::Equal => format!(" {line}"),
            };
            hunks.push_str(&format!("{shown}\n"));
            if change.missing_newline() {
                hunks.push_str("\\ No newline at end of file\n");
            }
        }
    }
    if hunks.is_empty() {
        return hunks;
    }
    let header = |sign: &str, name: &str| paint(STRONG, &format!("{sign} {name}{suffix}"));
    format!("{}\n{}\n{hunks}", header("---", old_name), header("+++", new_name))
}

/// Everything but the code, one line a value.
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
    use crate::failure::tests::plain;

    fn diff(old: &Value, new: &Value) -> String {
        plain(&unified(&["a:1-b@1".to_owned(), "a:1-b@2".to_owned()], old, new))
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
