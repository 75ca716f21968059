//! The guide's table of attacks agrees with the data files.

use std::fmt::Write;
use std::path::Path;

use libtest_mimic::Trial;
use writ_tests::attacks::{Battery, batteries, kinds};

use crate::trial;

const BEGIN: &str = "<!-- attacks -->\n";
const END: &str = "<!-- /attacks -->";

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("the_guide_lists_the_attacks", lists)]
}

fn lists() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/engines.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let want = format!("{before}{BEGIN}{}{END}{after}", table(&batteries()));
    if std::env::var_os("WRIT_BLESS").is_some() {
        std::fs::write(&path, &want).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert_eq!(found, want, "run `WRIT_BLESS=1 cargo test --workspace --test attacks guide`");
}

/// The table of the number of attacks by kind and language.
fn table(batteries: &[Battery]) -> String {
    let mut table = "| kind | what it tries |".to_owned();
    let mut rule = "|---|---|".to_owned();
    for battery in batteries {
        write!(table, " {} |", battery.language).unwrap();
        rule += "---|";
    }
    writeln!(table, "\n{rule}").unwrap();
    for kind in kinds() {
        write!(table, "| {} | {} |", kind.kind, kind.what).unwrap();
        for battery in batteries {
            match battery.cases.iter().filter(|case| case.kind == kind.kind).count() {
                0 => table += " – |",
                count => write!(table, " {count} |").unwrap(),
            }
        }
        table.push('\n');
    }
    table += "\nA dash means that the language cannot express the kind of attack:\n\n";
    for battery in batteries {
        for (kind, reason) in &battery.cannot {
            writeln!(table, "- {}, {kind}: {reason}.", battery.language).unwrap();
        }
    }
    table
}
