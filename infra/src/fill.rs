//! Filling snippets in.

use crate::InfraError;

/// The snippet with each `<name>` replaced. A line that is nothing but `<name>` takes a block of
/// lines, and goes if the block is empty.
///
/// # Errors
/// [`InfraError::Snippet`] for a name that is not given, and for one that the snippet does not have.
pub(crate) fn fill(snippet: &str, values: &[(&str, &str)]) -> Result<String, InfraError> {
    let wrong = |name: &str| InfraError::Snippet {
        snippet: snippet.lines().next().unwrap_or_default().to_owned(),
        name: name.to_owned(),
    };
    if let Some((name, _)) = values.iter().find(|(name, _)| !snippet.contains(&format!("<{name}>")))
    {
        return Err(wrong(name));
    }
    let value = |name: &str| {
        let given = values.iter().find(|(given, _)| *given == name);
        given.map(|(_, value)| *value).ok_or_else(|| wrong(name))
    };
    let mut filled = String::new();
    for line in snippet.lines() {
        if let Some(name) = line.strip_prefix('<').and_then(|line| line.strip_suffix('>')) {
            let block = value(name)?.trim_end_matches('\n');
            if !block.is_empty() {
                filled.push_str(block);
                filled.push('\n');
            }
            continue;
        }
        let mut rest = line;
        while let Some((before, name, after)) = placeholder(rest) {
            filled.push_str(before);
            filled.push_str(value(name)?);
            rest = after;
        }
        filled.push_str(rest);
        filled.push('\n');
    }
    Ok(filled)
}

/// What stands before the first placeholder of a line, its name, and what stands behind it.
fn placeholder(line: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = line.split_once('<')?;
    let (name, after) = rest.split_once('>')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_in_lines_and_as_blocks() {
        let snippet = "a <x> b <y>\n<block>\n<empty>\nend <x>\n";
        let values = [("x", "1"), ("y", "2"), ("block", "  - one\n  - two\n"), ("empty", "")];
        assert_eq!(fill(snippet, &values).unwrap(), "a 1 b 2\n  - one\n  - two\nend 1\n");
    }

    #[test]
    fn a_name_that_is_not_given_or_not_there_is_refused() {
        assert!(matches!(
            fill("a <x>\n", &[]),
            Err(InfraError::Snippet { name, .. }) if name == "x"
        ));
        assert!(matches!(
            fill("a\n", &[("x", "1")]),
            Err(InfraError::Snippet { name, .. }) if name == "x"
        ));
    }
}
