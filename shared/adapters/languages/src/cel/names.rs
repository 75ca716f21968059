//! The names that an expression may use. The library has no such list.

/// The variables that every expression may read.
pub(super) const VARIABLES: [&str; 5] = ["input", "parameters", "settings", "context", "now"];

/// Functions that are called as `size(x)`.
pub(super) const FUNCTIONS: &[&str] = &[
    "base64.decode",
    "base64.encode",
    "bool",
    "bytes",
    "cidr",
    "double",
    "duration",
    "dyn",
    "int",
    "ip",
    "ip.isCanonical",
    "isCIDR",
    "isIP",
    "lists.range",
    "math.abs",
    "math.bitAnd",
    "math.bitNot",
    "math.bitOr",
    "math.bitShiftLeft",
    "math.bitShiftRight",
    "math.bitXor",
    "math.ceil",
    "math.floor",
    "math.isFinite",
    "math.isInf",
    "math.isNaN",
    "math.round",
    "math.sign",
    "math.sqrt",
    "math.trunc",
    "optional.none",
    "optional.of",
    "optional.ofNonZeroValue",
    "size",
    "string",
    "strings.quote",
    "timestamp",
    "type",
    "uint",
];

/// Functions that are called on a value, as `x.size()`.
pub(super) const METHODS: &[&str] = &[
    "charAt",
    "contains",
    "containsCIDR",
    "containsIP",
    "distinct",
    "endsWith",
    "family",
    "flatten",
    "format",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "hasValue",
    "indexOf",
    "ip",
    "isGlobalUnicast",
    "isLinkLocalMulticast",
    "isLinkLocalUnicast",
    "isLoopback",
    "isUnspecified",
    "join",
    "lastIndexOf",
    "lowerAscii",
    "masked",
    "matches",
    "or",
    "orValue",
    "prefixLength",
    "replace",
    "reverse",
    "size",
    "slice",
    "sort",
    "split",
    "startsWith",
    "substring",
    "trim",
    "upperAscii",
    "value",
];

/// Macros of the parser, with an example of each. The parser expands them only in this form.
pub(super) const MACROS: &[(&str, &str)] = &[
    ("has", "has(input.field)"),
    ("all", "list.all(x, x > 0)"),
    ("exists", "list.exists(x, x > 0)"),
    ("exists_one", "list.exists_one(x, x > 0)"),
    ("existsOne", "list.existsOne(x, x > 0)"),
    ("map", "list.map(x, x + 1)"),
    ("filter", "list.filter(x, x > 0)"),
    ("sortBy", "list.sortBy(x, x.name)"),
    ("bind", "cel.bind(x, 1, x + 1)"),
    ("transformList", "list.transformList(i, x, x + i)"),
    ("transformMap", "list.transformMap(i, x, x + i)"),
    ("transformMapEntry", "list.transformMapEntry(i, x, {x: i})"),
    ("greatest", "math.greatest(1, 2)"),
    ("least", "math.least(1, 2)"),
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cel::{Context, ExecutionError};

    use super::*;
    use crate::cel::compile::environment;

    /// Whether the library reports the function as undeclared, with arguments that no overload takes.
    fn is_unknown(code: &str) -> bool {
        let environment = Arc::new(environment().unwrap());
        let program = environment.compile(code).unwrap();
        let result = program.execute(&Context::with_env(environment));
        matches!(result, Err(ExecutionError::UndeclaredReference(_)))
    }

    #[test]
    fn the_library_knows_every_function_that_may_be_named() {
        for name in FUNCTIONS {
            assert!(!is_unknown(&format!("{name}(1, 2, 3, 4)")), "{name}");
        }
        for name in METHODS {
            assert!(!is_unknown(&format!("1.{name}(2, 3, 4)")), "{name}");
        }
        assert!(is_unknown("nothing(1)") && is_unknown("1.nothing()"));
    }

    #[test]
    fn the_page_lists_exactly_what_exists() {
        let page =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/languages/cel.md");
        let page = std::fs::read_to_string(page).unwrap();
        let usages: Vec<&str> = MACROS.iter().map(|(_, usage)| *usage).collect();
        for (form, names) in [
            ("functions, `size(x)`", FUNCTIONS),
            ("methods, `x.size()`", METHODS),
            ("macros", &usages),
        ] {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let row = format!("| {form} | {} |\n", names.join(", "));
            assert!(page.contains(&row), "docs/languages/cel.md has no row\n{row}");
        }
    }

    #[test]
    fn macros_expand_in_the_form_of_their_help() {
        for (name, usage) in MACROS {
            let usage = usage.replace("list.", "[1].").replace("x.name", "x");
            let program = environment().unwrap().compile(&usage).unwrap();
            assert!(!program.references().has_function(name), "{name}");
        }
    }
}
