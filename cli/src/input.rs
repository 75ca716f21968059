//! Inputs of commands: JSON or YAML in a file, on standard input, or on the command line.

use std::io::Read as _;
use std::path::Path;

use serde_json::Value;
use writ_model::RawJson;

use crate::error::CliError;
use crate::exit::Exit;

/// Reads an argument: a path (a leading `@` is skipped), `-` for standard input, or JSON text if it
/// starts with `{` or `[`. A file with the extension `.yaml` or `.yml` is read as YAML.
pub(crate) fn read_json(argument: &str) -> Result<RawJson, CliError> {
    if argument.starts_with(['{', '[']) {
        return parse_json("the command line", argument);
    }
    let argument = argument.strip_prefix('@').unwrap_or(argument);
    let text = read_text(Path::new(argument))?;
    let origin = if argument == "-" { "standard input" } else { argument };
    if argument.ends_with(".yaml") || argument.ends_with(".yml") {
        let value = parse_yaml(&text).map_err(|failure| failure.within(origin))?;
        return Ok(RawJson::of(&value));
    }
    parse_json(origin, &text)
}

/// Reads an optional argument as [`read_json`] does.
pub(crate) fn optional_json(argument: Option<&str>) -> Result<Option<RawJson>, CliError> {
    argument.map(read_json).transpose()
}

/// Reads the text of a file, or standard input for `-`.
pub(crate) fn read_text(path: &Path) -> Result<String, CliError> {
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.map_err(|error| CliError::file(path, "read", &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        CliError::new(Exit::Invalid, format!("`{}` is not UTF-8 at byte {byte}", path.display()))
    })?;
    // Some editors start a file with a byte order mark, which JSON does not allow.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn parse_json(origin: &str, text: &str) -> Result<RawJson, CliError> {
    RawJson::parse(text.trim()).map_err(|error| {
        let failure =
            CliError::new(Exit::Invalid, format!("this is not valid JSON: {error}")).at(origin);
        match error.classify() {
            serde_json::error::Category::Eof if text.trim().is_empty() => {
                failure.help("write a JSON value, as `{}`")
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

/// Parses YAML text into a JSON value.
fn parse_yaml(text: &str) -> Result<Value, CliError> {
    yaml_serde::from_str(text)
        .map_err(|error| CliError::new(Exit::Invalid, format!("this is not valid YAML: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::plain;

    #[test]
    fn json_on_the_command_line_keeps_its_bytes() {
        assert_eq!(read_json("{\"b\": 1.0}").unwrap().as_str(), "{\"b\": 1.0}");
    }

    #[test]
    fn a_trailing_comma_is_named() {
        let failure = read_json("{\"a\": 1,}").unwrap_err();
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
            assert_eq!(read_json(&argument).unwrap().as_str(), "{\"a\": 1.0}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_not_found() {
        assert_eq!(read_json("no/such/file.json").unwrap_err().exit(), Exit::NotFound);
    }
}
