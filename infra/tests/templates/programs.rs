//! Programs that the templates deploy are the ones that are built.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

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
    let output = Command::new(root().join("infra/build")).arg("--list").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let list = String::from_utf8(output.stdout).unwrap();
    let programs = list.split_whitespace().map(|option| option.strip_prefix("--bin=").unwrap());
    assert_eq!(programs.map(str::to_owned).collect::<BTreeSet<_>>(), deployed());
}

#[test]
fn the_guide_builds_the_programs_of_the_build() {
    let guide = fs::read_to_string(root().join("docs/deploy.md")).unwrap();
    let command = guide.split_once("cargo lambda build").unwrap().1.split_once('\n').unwrap().0;
    assert!(command.ends_with(" $(infra/build --list)"), "{command}");
}

#[test]
fn every_program_of_a_route_is_deployed() {
    for binary in writ_routes::BINARIES {
        assert!(deployed().contains(binary.name), "{}", binary.name);
    }
}
