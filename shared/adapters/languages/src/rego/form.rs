//! `functionality_data` of a Rego policy: further modules, the query, documents and the version.

use serde_json::Value as Json;
use writ_model::{Diagnostic, RawJson};
use writ_rego::builtin::Value;

use super::query::RESERVED;
use super::{diagnose, value};
use crate::{Failure, Source};

/// The most modules beside the policy's own code.
const MODULES_MAX: usize = 100;
/// The longest name of a module's file, in bytes.
const FILE_NAME_BYTES_MAX: usize = 200;

/// One Rego module with its file name.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    pub(super) code: String,
}

/// The parsed `functionality_data` of a policy, with its own code.
#[derive(Debug)]
pub(super) struct PolicyForm {
    /// The policy's own code first, then the other modules by name.
    pub(super) files: Vec<File>,
    /// The path of the answer, as the policy spells it.
    pub(super) query: Option<String>,
    /// Documents under `data` that belong to the policy, as a bundle's `data.json`.
    pub(super) data: Value,
    /// Whether the modules are written in the syntax before OPA 1.0.
    pub(super) is_v0: bool,
}

/// Parses the form of a policy.
pub(super) fn parse(source: &Source) -> Result<PolicyForm, Diagnostic> {
    let data = source.functionality_data.as_ref().map(RawJson::value).unwrap_or_default();
    let main = File { name: diagnose::FILE.to_owned(), code: source.code.clone() };
    let mut files = vec![main];
    files.extend(modules(data.get("modules"))?);
    let query = match data.get("query") {
        None | Some(Json::Null) => None,
        Some(Json::String(query)) => Some(query.clone()),
        Some(_) => {
            return Err(Diagnostic::error("rego.query", "`functionality_data.query` is no string")
                .help("write a path as `data.authz.allow`"));
        }
    };
    Ok(PolicyForm {
        files,
        query,
        data: documents(data.get("data"))?,
        is_v0: is_v0(data.get("rego_version"))?,
    })
}

fn modules(data: Option<&Json>) -> Result<Vec<File>, Diagnostic> {
    const HELP: &str = "write `\"modules\": {\"lib/net.rego\": \"package lib.net ...\"}`";
    let refuse = |message: String| Diagnostic::error("rego.modules", message).help(HELP);
    let modules = match data {
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

/// Whether a name is a file name. Messages have it before a colon, so it must not contain one.
fn is_file_name(name: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_-./".contains(letter);
    name.len() <= FILE_NAME_BYTES_MAX
        && name.chars().all(fits)
        && name.strip_suffix(".rego").is_some_and(|stem| !stem.is_empty())
        && name != diagnose::FILE
}

fn documents(data: Option<&Json>) -> Result<Value, Diagnostic> {
    let refuse = |message: String| {
        Diagnostic::error("rego.data", message)
            .help("write an object of documents: `\"data\": {\"roles\": {...}}` is `data.roles`")
    };
    let data = match data {
        None | Some(Json::Null) => return Ok(Value::object([])),
        Some(data @ Json::Object(documents)) => {
            if let Some(name) = RESERVED.iter().find(|name| documents.contains_key(**name)) {
                return Err(refuse(format!("`functionality_data.data` hides `data.{name}`")));
            }
            RawJson::of(data)
        }
        Some(_) => return Err(refuse("`functionality_data.data` is no object".to_owned())),
    };
    value::parse(&data, "functionality_data.data").map_err(|failure| match failure {
        Failure::Raised { message, .. } => refuse(message),
        other => refuse(other.to_string()),
    })
}

/// Parses the version as in OPA's bundles: 0 is the syntax of `--v0-compatible`.
fn is_v0(data: Option<&Json>) -> Result<bool, Diagnostic> {
    match data.map(|version| (version, version.as_i64())) {
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

    fn form(data: &str) -> Result<PolicyForm, Diagnostic> {
        parse(&Source {
            language: Language::Rego,
            code: "package p".to_owned(),
            digest: Digest::of(b""),
            functionality_data: Some(RawJson::parse(data).unwrap()),
            schemas: Default::default(),
        })
    }

    #[test]
    fn an_empty_form_is_the_code_alone() {
        for data in ["{}", "null", r#"{"other": 1, "modules": null, "rego_version": 1}"#] {
            let form = form(data).unwrap();
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
    fn an_invalid_form_is_refused() {
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
        for (data, code) in cases {
            assert_eq!(form(data).unwrap_err().code, code, "{data}");
        }
        let many: Vec<String> = (0..101).map(|n| format!("\"m{n}.rego\": \"\"")).collect();
        let many = format!("{{\"modules\": {{{}}}}}", many.join(","));
        assert!(form(&many).unwrap_err().message.contains("more than 100"));
    }
}
