//! Programs that the templates deploy are the ones that are built.

use std::collections::BTreeSet;
use std::fs;

use crate::template::{Template, root};

/// The folders that functions take their code from.
fn deployed() -> BTreeSet<String> {
    let stacks = Template::stacks();
    let functions = stacks.iter().flat_map(Template::functions);
    functions
        .map(|(id, function)| {
            let code = function["CodeUri"].as_str().unwrap();
            let program =
                code.strip_prefix("../../target/lambda/").and_then(|rest| rest.strip_suffix('/'));
            program.unwrap_or_else(|| panic!("{id}: {code}")).to_owned()
        })
        .collect()
}

#[test]
fn the_build_makes_every_program_and_no_other() {
    let script = fs::read_to_string(root().join("infra/build")).unwrap();
    let list = script.split_once("programs=(").unwrap().1.split_once(')').unwrap().0;
    let built: BTreeSet<String> = list.split_whitespace().map(str::to_owned).collect();
    assert_eq!(built, deployed());
}

#[test]
fn the_guide_builds_every_program_and_no_other() {
    let guide = fs::read_to_string(root().join("docs/deploy.md")).unwrap();
    let command = guide.split_once("cargo lambda build").unwrap().1.split_once("```").unwrap().0;
    let words: Vec<&str> = command.split_whitespace().collect();
    let built: BTreeSet<String> =
        words.windows(2).filter(|pair| pair[0] == "--bin").map(|pair| pair[1].to_owned()).collect();
    assert_eq!(built, deployed());
}

#[test]
fn every_program_of_a_route_is_deployed() {
    for binary in writ_routes::BINARIES {
        assert!(deployed().contains(binary.name), "{}", binary.name);
    }
}
