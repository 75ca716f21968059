//! What a policy says of itself beside its code: `functionality_data` of a Rego policy.

use regorus::Value;
use serde_json::Value as Json;
use writ_model::{Diagnostic, RawJson};

use super::query::RESERVED;
use super::{diagnose, value};
use crate::{Failure, Source};

/// The most modules beside the policy's own code.
const MODULES_MAX: usize = 100;
/// The longest name of a module's file, in bytes.
const FILE_NAME_BYTES_MAX: usize = 200;

/// One file of Rego.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) code: String,
}

/// A policy's files and what is said about them.
#[derive(Debug)]
pub(super) struct Form {
    /// The policy's own code first, then the other modules by name.
    pub(super) files: Vec<File>,
    /// The path of the answer, as the policy spells it.
    pub(super) query: Option<String>,
    /// Documents under `data` that belong to the policy, as a bundle's `data.json`.
    pub(super) data: Value,
    /// Whether the modules are written in the syntax before OPA 1.0.
    pub(super) is_v0: bool,
}

/// Reads the form of a policy.
pub(super) fn read(source: &Source) -> Result<Form, Diagnostic> {
    let said = source.functionality_data.as_ref().map(RawJson::value).unwrap_or_default();
    let main = File { name: diagnose::FILE.to_owned(), code: source.code.clone() };
    let mut files = vec![main];
    files.extend(modules(said.get("modules"))?);
    let query = match said.get("query") {
        None | Some(Json::Null) => None,
        Some(Json::String(query)) => Some(query.clone()),
        Some(_) => {
            return Err(Diagnostic::error("rego.query", "`functionality_data.query` is no string")
                .help("write a path as `data.authz.allow`"));
        }
    };
    Ok(Form {
        files,
        query,
        data: data(said.get("data"))?,
        is_v0: is_v0(said.get("rego_version"))?,
    })
}

fn modules(said: Option<&Json>) -> Result<Vec<File>, Diagnostic> {
    const HELP: &str = "write `\"modules\": {\"lib/net.rego\": \"package lib.net ...\"}`";
    let refuse = |message: String| Diagnostic::error("rego.modules", message).help(HELP);
    let modules = match said {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::Object(modules)) => modules,
        Some(_) => return Err(refuse("`functionality_data.modules` is no object".to_owned())),
    };
    if modules.len() > MODULES_MAX {
        return Err(refuse(format!("there are more than {MODULES_MAX} modules")));
    }
    let mut files = Vec::with_capacity(modules.len());
    for (name, code) in modules {
        if !is_file_name(name) {
            return Err(refuse(format!("`{name}` is no file name of a module")).help(
                "end it in `.rego`, use letters, digits and `_ - . /`, and leave `policy.rego` to the policy's own code",
            ));
        }
        let Json::String(code) = code else {
            return Err(refuse(format!("the module `{name}` is no string")));
        };
        files.push(File { name: name.clone(), code: code.clone() });
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(files)
}

/// Names stand in the library's error texts, before a colon: they hold nothing that would confuse.
fn is_file_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    name.len() <= FILE_NAME_BYTES_MAX
        && name.chars().all(fits)
        && name.strip_suffix(".rego").is_some_and(|stem| !stem.is_empty())
        && name != diagnose::FILE
        && name != diagnose::ANSWER_FILE
}

fn data(said: Option<&Json>) -> Result<Value, Diagnostic> {
    let refuse = |message: String| {
        Diagnostic::error("rego.data", message)
            .help("write an object of documents: `\"data\": {\"roles\": {...}}` is `data.roles`")
    };
    let said = match said {
        None | Some(Json::Null) => return Ok(Value::new_object()),
        Some(said @ Json::Object(documents)) => {
            if let Some(name) = RESERVED.iter().find(|name| documents.contains_key(**name)) {
                return Err(refuse(format!("`functionality_data.data` hides `data.{name}`")));
            }
            RawJson::of(said)
        }
        Some(_) => return Err(refuse("`functionality_data.data` is no object".to_owned())),
    };
    value::parse(&said, "functionality_data.data").map_err(|failure| match failure {
        Failure::Raised { message, .. } => refuse(message),
        other => refuse(other.to_string()),
    })
}

/// The names and numbers of OPA's bundles: `"rego_version": 0` is what `--v0-compatible` reads.
fn is_v0(said: Option<&Json>) -> Result<bool, Diagnostic> {
    match said.map(|version| (version, version.as_i64())) {
        None | Some((Json::Null, _) | (_, Some(1))) => Ok(false),
        Some((_, Some(0))) => Ok(true),
        Some((version, _)) => Err(Diagnostic::error(
            "rego.version",
            format!("`functionality_data.rego_version` is `{version}`"),
        )
        .help("write 1, or 0 for the syntax before OPA 1.0")),
    }
}

#[cfg(test)]
mod tests {
    use writ_model::{Digest, Language};

    use super::*;

    fn form(said: &str) -> Result<Form, Diagnostic> {
        read(&Source {
            language: Language::Rego,
            code: "package p".to_owned(),
            digest: Digest::of(b""),
            functionality_data: Some(RawJson::parse(said).unwrap()),
        })
    }

    #[test]
    fn a_form_that_says_nothing_is_the_code_alone() {
        for said in ["{}", "null", r#"{"other": 1, "modules": null, "rego_version": 1}"#] {
            let form = form(said).unwrap();
            let names: Vec<&str> = form.files.iter().map(|file| file.name.as_str()).collect();
            assert_eq!((names, form.query, form.is_v0), (vec!["policy.rego"], None, false));
        }
    }

    #[test]
    fn modules_are_read_in_the_order_of_their_names() {
        let form =
            form(r#"{"modules": {"b.rego": "package b", "a/b-c_1.rego": "package a"}, "rego_version": 0}"#)
                .unwrap();
        let names: Vec<&str> = form.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["policy.rego", "a/b-c_1.rego", "b.rego"]);
        assert!(form.is_v0);
    }

    #[test]
    fn what_no_form_may_say_is_refused() {
        let cases = [
            (r#"{"modules": []}"#, "rego.modules"),
            (r#"{"modules": {"x": "package x"}}"#, "rego.modules"),
            (r#"{"modules": {".rego": "package x"}}"#, "rego.modules"),
            (r#"{"modules": {"a:1.rego": "package x"}}"#, "rego.modules"),
            (r#"{"modules": {"policy.rego": "package x"}}"#, "rego.modules"),
            (r#"{"modules": {"x.rego": 1}}"#, "rego.modules"),
            (r#"{"data": []}"#, "rego.data"),
            (r#"{"data": {"settings": {}}}"#, "rego.data"),
            (r#"{"data": {"a": 1e1000000000}}"#, "rego.data"),
            (r#"{"rego_version": 2}"#, "rego.version"),
            (r#"{"rego_version": "v1"}"#, "rego.version"),
            (r#"{"query": 1}"#, "rego.query"),
        ];
        for (said, code) in cases {
            assert_eq!(form(said).unwrap_err().code, code, "{said}");
        }
        let many: Vec<String> = (0..101).map(|n| format!("\"m{n}.rego\": \"\"")).collect();
        let many = format!("{{\"modules\": {{{}}}}}", many.join(","));
        assert!(form(&many).unwrap_err().message.contains("more than 100"));
    }
}
