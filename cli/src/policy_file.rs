//! A policy in a file: source code alone, or a whole document with its code inside or in a file
//! beside it.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use writ::Policy;
use writ_model::{Error, Language, RawJson};

use crate::diagnostics::Listing;
use crate::error::CliError;
use crate::exit::Exit;
use crate::input;

/// A member of files alone: the path of the code, relative to the document.
const CODE_FILE: &str = "code_file";
/// A member of files alone: the files of further modules, put into `functionality_data.modules`.
const MODULE_FILES: &str = "module_files";

/// A policy that was read from a file or fetched from a server.
#[derive(Clone, Debug)]
pub(crate) struct PolicyFile {
    /// The path of the file, or the URI of the policy.
    pub(crate) origin: String,
    /// The policy document as the API expects it, JSON text.
    pub(crate) document: String,
    pub(crate) code: String,
    /// The name of the code in locations: a path, or `PATH#/code`.
    pub(crate) code_origin: String,
}

impl PolicyFile {
    /// Loads code alone, as `policy.py` or `policy.wasm`, or a document in JSON or YAML.
    pub(crate) fn load(path: &Path) -> Result<Self, CliError> {
        Self::load_with(path, None)
    }

    /// As [`PolicyFile::load`], with the code from another file.
    pub(crate) fn load_with(path: &Path, code_file: Option<&Path>) -> Result<Self, CliError> {
        let origin = path.display().to_string();
        match language_of(path) {
            Some(language) => {
                let code = code(path)?;
                let document = document_of(path, language, &code).to_string();
                Ok(Self { code_origin: origin.clone(), origin, document, code })
            }
            None => Self::document(path, origin, code_file),
        }
    }

    fn document(path: &Path, origin: String, code_file: Option<&Path>) -> Result<Self, CliError> {
        let json = input::read_json(&path.display().to_string())?;
        let Value::Object(mut members) = json.value() else {
            return Err(CliError::new(Exit::Invalid, "a policy document is an object").at(origin));
        };
        let code_path = match code_file {
            Some(file) => Some(file.to_owned()),
            None => code_file_of(&members, path).map_err(|failure| failure.within(&origin))?,
        };
        let has_modules =
            add_modules(&mut members, path).map_err(|failure| failure.within(&origin))?;
        let Some(code_path) = code_path else {
            let document = match has_modules {
                // The text as it is: the server refuses members that a parser here would drop
                // silently, such as repeated ones.
                false => json.as_str().to_owned(),
                true => Value::Object(members.clone()).to_string(),
            };
            let code = members.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
            let code_origin = format!("{origin}#/code");
            return Ok(Self { origin, document, code, code_origin });
        };
        let code = code(&code_path)?;
        members.remove(CODE_FILE);
        members.insert("code".to_owned(), Value::from(code.clone()));
        let code_origin = code_path.display().to_string();
        Ok(Self { origin, document: Value::Object(members).to_string(), code, code_origin })
    }

    /// A policy of Python from a document, with this code in place of the document's.
    pub(crate) fn of_code(mut members: Map<String, Value>, code: &str, origin: &str) -> Self {
        members.insert("code".to_owned(), Value::from(code));
        members.entry("code_type").or_insert_with(|| Language::Python.name().into());
        Self {
            origin: origin.to_owned(),
            document: Value::Object(members).to_string(),
            code: code.to_owned(),
            code_origin: origin.to_owned(),
        }
    }

    /// A policy from the document that a server returned.
    pub(crate) fn from_document(uri: &str, document: String) -> Self {
        let value: Value = serde_json::from_str(&document).unwrap_or_default();
        let code = value.get("code").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self { origin: uri.to_owned(), document, code, code_origin: format!("{uri}#/code") }
    }

    /// Replaces the policy's settings.
    pub(crate) fn with_settings(mut self, settings: &RawJson) -> Result<Self, CliError> {
        let Ok(Value::Object(mut members)) = serde_json::from_str(&self.document) else {
            return Err(
                CliError::new(Exit::Invalid, "a policy document is an object").at(self.origin)
            );
        };
        members.insert("policy_settings".to_owned(), settings.value());
        self.document = Value::Object(members).to_string();
        Ok(self)
    }

    /// Parses the document and compiles its schemas.
    pub(crate) fn policy(&self) -> Result<Policy, Error> {
        Policy::from_json(&self.document)
    }

    pub(crate) fn listing(&self) -> Listing<'_> {
        Listing { name: &self.code_origin, text: &self.code }
    }

    /// Renders an error of this policy with its locations in the file.
    pub(crate) fn failure(&self, error: &Error) -> CliError {
        CliError::with_listing(error, &self.listing()).within(&self.origin)
    }
}

/// The language of a source file, by its extension; `None` for documents.
pub(crate) fn language_of(path: &Path) -> Option<Language> {
    match path.extension()?.to_str()? {
        "py" => Some(Language::Python),
        "rego" => Some(Language::Rego),
        "cedar" => Some(Language::Cedar),
        "cel" => Some(Language::Cel),
        "wat" | "wasm" => Some(Language::Wasm),
        _ => None,
    }
}

/// The code in a file: its text, or the bytes of a WebAssembly module in base64.
fn code(path: &Path) -> Result<String, CliError> {
    match path.extension().is_some_and(|ending| ending == "wasm") {
        true => std::fs::read(path)
            .map(|bytes| STANDARD.encode(bytes))
            .map_err(|error| CliError::file(path, "read", &error)),
        false => input::read_text(path),
    }
}

/// A document for code alone, named after the file, for commands that run or check it.
fn document_of(path: &Path, language: Language, code: &str) -> Value {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    let fits = |c: char| !c.is_whitespace() && !c.is_control() && c != ':' && c != '/';
    let name: String = stem.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    json!({
        "name": name,
        "version": "0",
        "release_tag": "local",
        "code": code,
        "code_type": language.name(),
    })
}

fn code_file_of(
    members: &Map<String, Value>,
    path: &Path,
) -> Result<Option<std::path::PathBuf>, CliError> {
    match members.get(CODE_FILE) {
        None => Ok(None),
        Some(_) if members.contains_key("code") => {
            Err(CliError::new(Exit::Invalid, "`code` and `code_file` are both set")
                .help("remove one of them"))
        }
        Some(Value::String(file)) => Ok(Some(path.parent().unwrap_or(Path::new("")).join(file))),
        Some(_) => Err(CliError::new(Exit::Invalid, "`code_file` is a string").at("/code_file")),
    }
}

/// Reads the files of `module_files` into `functionality_data.modules`, each under its name.
/// Returns whether the document has the member.
fn add_modules(members: &mut Map<String, Value>, path: &Path) -> Result<bool, CliError> {
    let Some(files) = members.remove(MODULE_FILES) else { return Ok(false) };
    let refuse = |text: &str| CliError::new(Exit::Invalid, text).at("/module_files");
    let Value::Array(files) = files else {
        return Err(refuse("`module_files` is a list of file names"));
    };
    let form = members.entry("functionality_data").or_insert_with(|| json!({}));
    let Value::Object(form) = form else {
        return Err(refuse("`functionality_data` is not an object"));
    };
    let modules = form.entry("modules").or_insert_with(|| json!({}));
    let Value::Object(modules) = modules else {
        return Err(refuse("`functionality_data.modules` is not an object"));
    };
    for file in &files {
        let Value::String(name) = file else {
            return Err(refuse("`module_files` is a list of file names"));
        };
        let text = input::read_text(&path.parent().unwrap_or(Path::new("")).join(name))?;
        modules.insert(name.clone(), Value::from(text));
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A directory for one test, removed when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let folder =
                std::env::temp_dir().join(format!("writ-cli-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            for (file, text) in files {
                std::fs::write(folder.join(file), text).unwrap();
            }
            Self(folder)
        }

        fn load(&self, file: &str) -> Result<PolicyFile, CliError> {
            PolicyFile::load(&self.0.join(file))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn code_alone_gets_a_document_named_after_its_file() {
        let folder = Folder::with(
            "alone",
            &[("my policy.py", "class P: pass\n"), ("a.rego", "package a\n")],
        );
        let file = folder.load("my policy.py").unwrap();
        let value: Value = serde_json::from_str(&file.document).unwrap();
        assert_eq!((&value["name"], &value["code_type"]), (&json!("my_policy"), &json!("python")));
        assert!(file.code_origin.ends_with("my policy.py"));
        assert!(folder.load("a.rego").unwrap().document.contains("\"code_type\":\"rego\""));
    }

    #[test]
    fn code_beside_the_document_is_put_into_it() {
        let folder = Folder::with(
            "beside",
            &[
                ("p.json", r#"{"name":"a","n":1.00,"code_file":"p.py"}"#),
                ("p.py", "class P: pass\n"),
                ("both.json", r#"{"code":"","code_file":"p.py"}"#),
                ("gone.json", r#"{"code_file":"gone.py"}"#),
            ],
        );
        let file = folder.load("p.json").unwrap();
        assert_eq!(file.document, r#"{"name":"a","n":1.00,"code":"class P: pass\n"}"#);
        assert!(file.code_origin.ends_with("p.py"), "{}", file.code_origin);
        assert_eq!(folder.load("both.json").unwrap_err().exit(), Exit::Invalid);
        assert_eq!(folder.load("gone.json").unwrap_err().exit(), Exit::NotFound);
    }

    #[test]
    fn modules_beside_the_document_are_put_into_it() {
        let folder = Folder::with(
            "modules",
            &[
                ("p.json", r#"{"code_file":"p.rego","module_files":["lib.rego"]}"#),
                ("p.rego", "package p\n"),
                ("lib.rego", "package lib\n"),
                (
                    "inside.json",
                    r#"{"code":"x","module_files":["lib.rego"],"functionality_data":{"query":"q"}}"#,
                ),
                ("wrong.json", r#"{"code":"x","module_files":"lib.rego"}"#),
                ("gone.json", r#"{"code":"x","module_files":["gone.rego"]}"#),
            ],
        );
        assert_eq!(
            folder.load("p.json").unwrap().document,
            r#"{"functionality_data":{"modules":{"lib.rego":"package lib\n"}},"code":"package p\n"}"#
        );
        assert_eq!(
            folder.load("inside.json").unwrap().document,
            r#"{"code":"x","functionality_data":{"query":"q","modules":{"lib.rego":"package lib\n"}}}"#
        );
        assert_eq!(folder.load("wrong.json").unwrap_err().exit(), Exit::Invalid);
        assert_eq!(folder.load("gone.json").unwrap_err().exit(), Exit::NotFound);
    }

    #[test]
    fn a_module_becomes_base64() {
        let folder = Folder::with(
            "module",
            &[
                ("a.wasm", "\0asm\u{1}\0\0\0"),
                ("p.json", r#"{"code_file":"a.wasm"}"#),
                ("a.wat", "(module)"),
            ],
        );
        let alone = folder.load("a.wasm").unwrap();
        assert_eq!(alone.code, "AGFzbQEAAAA=");
        assert!(alone.document.contains("\"code_type\":\"wasm\""));
        assert_eq!(folder.load("p.json").unwrap().document, r#"{"code":"AGFzbQEAAAA="}"#);
        assert_eq!(folder.load("a.wat").unwrap().code, "(module)");
    }

    #[test]
    fn a_whole_document_keeps_its_bytes() {
        let text = r#"{"name": "a",  "code": "x", "name": "b"}"#;
        let folder = Folder::with("whole", &[("p.json", text)]);
        let file = folder.load("p.json").unwrap();
        assert_eq!(file.document, text);
        assert!(file.code_origin.ends_with("p.json#/code"));
        assert_eq!(file.code, "x");
    }

    #[test]
    fn settings_given_by_the_caller_replace_the_stored_ones() {
        let file = PolicyFile::from_document(
            "a:1-b",
            r#"{"policy_settings":{"a":1},"code":""}"#.to_owned(),
        );
        let settings = RawJson::parse(r#"{"b":2.0}"#).unwrap();
        assert_eq!(
            file.with_settings(&settings).unwrap().document,
            r#"{"policy_settings":{"b":2.0},"code":""}"#
        );
    }
}
