//! The check of format strings: their replacement fields can read attributes, which the rules for
//! attributes do not cover.

use rustpython_vm::compiler::ast::Expr;

/// Whether `expr` is a string literal in which no replacement field, nested ones included, reads an
/// attribute or an item.
pub(super) fn reads_no_attribute(expr: &Expr) -> bool {
    expr.as_string_literal_expr().is_some_and(|text| fields_are_plain(text.value.to_str()))
}

/// Whether no field has a dot or a bracket in its name. A specification such as `:.2f` has a dot, but
/// not before a letter.
fn fields_are_plain(text: &str) -> bool {
    // For each open brace: whether the name of the field has ended.
    let mut open: Vec<bool> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let next = chars.peek().copied();
        match (char, open.last_mut()) {
            ('{', None) if next == Some('{') => {
                chars.next();
            }
            ('{', None | Some(true)) => open.push(false),
            ('{', Some(false)) | ('[', Some(_)) | ('.', Some(false)) => return false,
            ('}', _) => {
                open.pop();
            }
            (':' | '!', Some(named)) => *named = true,
            ('.', Some(true)) if next.is_none_or(|next| next.is_alphabetic() || next == '_') => {
                return false;
            }
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_dots_or_brackets_are_found_at_any_depth() {
        let cases = [
            ("no fields. [none]", true),
            ("{} {0} {name}. [x]", true),
            ("{0:.2f} {1!r:>10} {2:{3}.{4}}", true),
            ("{{0.x}}", true),
            ("{0.x}", false),
            ("{.x}", false),
            ("{0[x]}", false),
            ("{{{0.x}}}", false),
            ("{0:{1.x}}", false),
            ("{0:>{1[x]}}", false),
            ("{0:{1}.x}", false),
            ("{0!r:{1:{2.x}}}", false),
            ("}{0.x}", false),
            ("{{}{0.x}", false),
        ];
        for (text, is_plain) in cases {
            assert_eq!(fields_are_plain(text), is_plain, "{text}");
        }
    }
}
