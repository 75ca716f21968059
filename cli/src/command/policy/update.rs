//! `writ policy update URI`: writes a new revision, from a whole document or from operators.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, Value, json};
use ureq::http::Method;

use super::response::{print_warnings, render_uri};
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::policy_file::PolicyFile;

/// As `writ policy update ip_allowlist:1.0-beta --set policy_parameters.local_allowlist='["10.0.0.1"]'`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true))]
pub(crate) struct Update {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// The whole new document, or Mongo operators
    #[arg(short, long, value_name = "FILE", group = "change", conflicts_with_all = ["set", "set_text", "unset"])]
    file: Option<PathBuf>,
    /// The file that holds the document's `code`
    #[arg(long, value_name = "FILE", requires = "file")]
    code_file: Option<PathBuf>,
    /// Set a dotted path to a JSON value; may be repeated
    #[arg(long, value_name = "PATH=JSON", group = "change")]
    set: Vec<String>,
    /// Set a dotted path to a string; may be repeated
    #[arg(long, value_name = "PATH=TEXT", group = "change")]
    set_text: Vec<String>,
    /// Remove the value at a dotted path; may be repeated
    #[arg(long, value_name = "PATH", group = "change")]
    unset: Vec<String>,
    /// Update only if the stored revision still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl Update {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let file = match &self.file {
            Some(path) => PolicyFile::load_with(path, self.code_file.as_deref())?,
            None => PolicyFile::from_document(&self.uri, self.operators()?.to_string()),
        };
        let request = ApiRequest::new(Method::PUT, &["policy", &self.uri])
            .body(file.document.as_str())
            .header("if-match", self.if_match.as_deref());
        let client = global.client()?;
        let response = client.try_send(&request)?.map_err(|problem| match self.file {
            Some(_) => file.failure(&problem.error),
            None => client.failure(&request, &problem),
        })?;
        print_warnings(global, &response.warnings);
        global.terminal().print(&response.data, render_uri)?;
        Ok(Exit::Success)
    }

    fn operators(&self) -> Result<Value, CliError> {
        let mut set = Map::new();
        for change in &self.set {
            let (path, text) = split(change)?;
            let value = serde_json::from_str(text).map_err(|error| {
                CliError::usage(format!("`{text}` is not valid JSON: {error}"))
                    .at(format!("--set {path}"))
                    .help(format!("for a string write `--set-text '{path}={text}'`"))
            })?;
            set.insert(path.to_owned(), value);
        }
        for change in &self.set_text {
            let (path, text) = split(change)?;
            set.insert(path.to_owned(), Value::from(text));
        }
        let unset: Map<_, _> = self.unset.iter().map(|path| (path.clone(), json!(""))).collect();
        let mut operators = Map::new();
        if !set.is_empty() {
            operators.insert("$set".to_owned(), Value::Object(set));
        }
        if !unset.is_empty() {
            operators.insert("$unset".to_owned(), Value::Object(unset));
        }
        Ok(Value::Object(operators))
    }
}

fn split(change: &str) -> Result<(&str, &str), CliError> {
    change.split_once('=').filter(|(path, _)| !path.is_empty()).ok_or_else(|| {
        CliError::usage(format!("`{change}` has no `=` after a path"))
            .help("write it as `path=value`, as `metadata.owner=\"me\"`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operators(set: &[&str], set_text: &[&str], unset: &[&str]) -> Result<String, CliError> {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Update {
            uri: "a:1-b".to_owned(),
            file: None,
            code_file: None,
            set: owned(set),
            set_text: owned(set_text),
            unset: owned(unset),
            if_match: None,
        }
        .operators()
        .map(|value| value.to_string())
    }

    #[test]
    fn changes_become_operators() {
        assert_eq!(
            operators(&["a.b=[1.0]", "c=\"x=y\""], &["version=2.0"], &["metadata.x"]).unwrap(),
            r#"{"$set":{"a.b":[1.0],"c":"x=y","version":"2.0"},"$unset":{"metadata.x":""}}"#
        );
    }

    #[test]
    fn a_text_without_quotes_is_refused_with_how_to_write_it() {
        let failure = operators(&["description=new words"], &[], &[]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(failure.render().contains("--set-text 'description=new words'"), "{failure:?}");
        assert_eq!(operators(&["novalue"], &[], &[]).unwrap_err().exit(), Exit::Usage);
    }
}
