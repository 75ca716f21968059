//! Policy tests as data: parsing and discovery of case files, comparison and report of results.

pub(crate) mod coverage;
mod find;
pub(crate) mod remote;
pub(crate) mod report;
mod verdict;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use writ_model::{ErrorKind, RawJson};

use crate::error::CliError;
use crate::exit::Exit;
use crate::input;

pub(crate) use find::{Suite, find};
pub(crate) use verdict::{Mismatch, compare};

/// One test case of a policy. Input and parameters are JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) input: String,
    pub(crate) parameters: Option<String>,
    pub(crate) expected: Expected,
    /// The exact text that the policy must print, in success and failure; `None` for any text.
    pub(crate) printed: Option<String>,
}

/// The expected result of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// An output of exactly these bytes.
    Output(String),
    /// An error with these properties.
    Error(ExpectedError),
}

/// The expected properties of an error; an absent one matches anything.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedError {
    /// The last part of the problem's `type`, or several of which one must match.
    #[serde(rename = "type")]
    pub(crate) kind: ErrorKinds,
    pub(crate) subject: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) rule: Option<String>,
    /// A text that the message contains.
    pub(crate) message: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

/// One expected kind of error, or several alternatives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum ErrorKinds {
    One(String),
    Several(Vec<String>),
}

impl ErrorKinds {
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    policy: Option<PathBuf>,
    cases: Vec<CaseDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseDocument {
    name: String,
    input: yaml_serde::Value,
    parameters: Option<yaml_serde::Value>,
    output: Option<yaml_serde::Value>,
    printed: Option<String>,
    error: Option<ExpectedError>,
}

/// A parsed case file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CaseFile {
    /// The path of the policy, relative to the file; `None` for the one beside it.
    pub(crate) policy: Option<PathBuf>,
    pub(crate) cases: Vec<Case>,
}

/// Loads a case file, YAML or JSON.
pub(crate) fn load(path: &Path) -> Result<CaseFile, CliError> {
    parse(&input::read_text(path)?).map_err(|failure| failure.within(&path.display().to_string()))
}

fn parse(text: &str) -> Result<CaseFile, CliError> {
    let document: Document = yaml_serde::from_str(text).map_err(|error| {
        CliError::new(Exit::Invalid, format!("this is not a case file: {error}"))
    })?;
    let mut cases: Vec<Case> = Vec::new();
    for case in document.cases {
        if cases.iter().any(|earlier| earlier.name == case.name) {
            return Err(CliError::new(
                Exit::Invalid,
                format!("two cases have the name `{}`", case.name),
            ));
        }
        cases.push(case.into_case()?);
    }
    Ok(CaseFile { policy: document.policy, cases })
}

impl CaseDocument {
    fn into_case(self) -> Result<Case, CliError> {
        let name = self.name;
        let wrong = |what: String| CliError::new(Exit::Invalid, format!("case `{name}`: {what}"));
        let json = |member: &str, value| {
            json_text(value).map_err(|why| wrong(format!("`{member}` {why}")))
        };
        let expected = match (self.output, self.error) {
            (Some(output), None) => Expected::Output(json("output", output)?),
            (None, Some(error)) => {
                let known = |name: &&String| ErrorKind::ALL.iter().any(|kind| kind.name() == *name);
                if let Some(unknown) = error.kind.names().iter().find(|name| !known(name)) {
                    return Err(wrong(format!("there is no error of type `{unknown}`")));
                }
                Expected::Error(error)
            }
            _ => return Err(wrong("exactly one of `output` and `error` is required".to_owned())),
        };
        let input = json("input", self.input)?;
        let parameters = self.parameters.map(|value| json("parameters", value)).transpose()?;
        Ok(Case { name, input, parameters, expected, printed: self.printed })
    }
}

/// A string holds JSON text; any other YAML value is converted, with YAML's losses of precision.
fn json_text(value: yaml_serde::Value) -> Result<String, String> {
    match value {
        yaml_serde::Value::String(text) => {
            RawJson::parse(text.trim()).map_err(|error| format!("is not valid JSON: {error}"))?;
            Ok(text.trim().to_owned())
        }
        other => yaml_serde::from_value::<serde_json::Value>(other)
            .map(|value| value.to_string())
            .map_err(|error| format!("cannot be JSON: {error}")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn case(text: &str) -> Case {
        parse(&format!("cases: [{{name: n, input: '{{}}', {text}}}]")).unwrap().cases.remove(0)
    }

    #[test]
    fn a_case_file_reads_as_it_is_documented() {
        let file = parse(
            "policy: p.json\ncases:\n  - name: a\n    input: '{\"x\": 1.0}'\n    parameters: '{}'\n    output: '{\"y\":1e400}'\n    printed: \"p\\n\"\n  - name: b\n    input: {ip: [1, null]}\n    error:\n      type: [policy_timed_out, policy_out_of_memory]\n      line: 3\n",
        )
        .unwrap();
        assert_eq!(file.policy.as_deref(), Some(Path::new("p.json")));
        let [a, b] = file.cases.as_slice() else { unreachable!() };
        assert_eq!((a.input.as_str(), a.parameters.as_deref()), ("{\"x\": 1.0}", Some("{}")));
        assert_eq!(a.expected, Expected::Output("{\"y\":1e400}".to_owned()));
        assert_eq!((a.printed.as_deref(), b.printed.as_deref()), (Some("p\n"), None));
        assert_eq!(b.input, "{\"ip\":[1,null]}");
        let Expected::Error(error) = &b.expected else { unreachable!() };
        assert_eq!(error.kind.names(), ["policy_timed_out", "policy_out_of_memory"]);
        assert_eq!(error.line, Some(3));
    }

    #[test]
    fn a_case_file_in_json_is_one_too() {
        let file = parse(r#"{"cases": [{"name": "a", "input": "{}", "output": "true"}]}"#).unwrap();
        assert_eq!(file.cases[0].expected, Expected::Output("true".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_case() {
        for (text, message) in [
            ("output: '1', error: {type: policy_raised}", "exactly one of"),
            ("parameters: '{}'", "exactly one of"),
            ("output: '{'", "`output` is not valid JSON"),
            ("error: {type: policy_exploded}", "no error of type `policy_exploded`"),
            ("otput: '1'", "unknown field `otput`"),
        ] {
            let failure = parse(&format!("cases: [{{name: n, input: '1', {text}}}]")).unwrap_err();
            assert_eq!(failure.exit(), Exit::Invalid);
            assert!(failure.render().contains(message), "{}", failure.render());
        }
        let twice =
            "cases: [{name: n, input: '1', output: '1'}, {name: n, input: '1', output: '1'}]";
        assert!(parse(twice).unwrap_err().render().contains("two cases have the name `n`"));
    }
}
