//! What the caller gives: JSON or YAML in a file, on standard input, or on the command line.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;
use writ_model::RawJson;

use crate::exit::Exit;
use crate::failure::Failure;

/// Reads an argument that is a path (`@` before it is skipped), `-` for standard input, or JSON
/// itself where it starts with `{` or `[`. A file called `.yaml` or `.yml` is read as YAML.
pub(crate) fn json(argument: &str) -> Result<RawJson, Failure> {
    if argument.starts_with(['{', '[']) {
        return parse("the command line", argument);
    }
    let argument = argument.strip_prefix('@').unwrap_or(argument);
    let text = text(Path::new(argument))?;
    let origin = if argument == "-" { "standard input" } else { argument };
    if argument.ends_with(".yaml") || argument.ends_with(".yml") {
        let value = yaml(&text).map_err(|failure| failure.within(origin))?;
        return Ok(RawJson::of(&value));
    }
    parse(origin, &text)
}

/// Reads an argument as [`json`] does where it is given.
pub(crate) fn optional_json(argument: Option<&str>) -> Result<Option<RawJson>, Failure> {
    argument.map(json).transpose()
}

/// The text of a file, or of standard input for `-`.
pub(crate) fn text(path: &Path) -> Result<String, Failure> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.map_err(|error| Failure::file(path, "read", &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        Failure::new(Exit::Invalid, format!("`{}` is not UTF-8 at byte {byte}", path.display()))
    })?;
    // Editors on some systems begin files with a byte order mark, which JSON does not allow.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn parse(origin: &str, text: &str) -> Result<RawJson, Failure> {
    RawJson::parse(text.trim()).map_err(|error| {
        let failure =
            Failure::new(Exit::Invalid, format!("this is not valid JSON: {error}")).at(origin);
        match error.classify() {
            serde_json::error::Category::Eof if text.trim().is_empty() => {
                failure.help("give a JSON value, as `{}`")
            }
            serde_json::error::Category::Syntax
                if error.to_string().starts_with("trailing comma") =>
            {
                failure.help("remove the comma before the closing bracket")
            }
            _ => failure,
        }
    })
}

/// YAML text as a JSON value.
pub(crate) fn yaml(text: &str) -> Result<Value, Failure> {
    yaml_serde::from_str(text)
        .map_err(|error| Failure::new(Exit::Invalid, format!("this is not valid YAML: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::plain;

    #[test]
    fn json_on_the_command_line_keeps_its_bytes() {
        assert_eq!(json("{\"b\": 1.0}").unwrap().as_str(), "{\"b\": 1.0}");
    }

    #[test]
    fn a_trailing_comma_is_named() {
        let failure = json("{\"a\": 1,}").unwrap_err();
        assert_eq!(failure.exit(), Exit::Invalid);
        let text = plain(&failure.render());
        assert!(text.contains("--> the command line"), "{text}");
        assert!(text.contains("help: remove the comma"), "{text}");
    }

    #[test]
    fn a_file_may_be_named_as_other_tools_name_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"a\": 1.0}\n").unwrap();
        let path = file.path().display().to_string();
        for argument in [path.clone(), format!("@{path}")] {
            assert_eq!(json(&argument).unwrap().as_str(), "{\"a\": 1.0}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_not_found() {
        assert_eq!(json("no/such/file.json").unwrap_err().exit(), Exit::NotFound);
    }
}
