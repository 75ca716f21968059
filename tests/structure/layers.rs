//! The layers of the workspace: an arrow between crates points down or to a neighbour that the
//! table below allows. A picture of the crates stands in docs/architecture.md.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::source::root;

/// A layer: its name, where its crates are, and the layers that they may depend on.
struct Layer {
    name: &'static str,
    /// Directories of packages; a `*` stands for one part of a path.
    places: &'static [&'static str],
    uses: &'static [&'static str],
}

const LAYERS: &[Layer] = &[
    Layer { name: "domain", places: &["shared/domain/*"], uses: &["domain"] },
    Layer {
        name: "application",
        places: &["shared/application/*"],
        uses: &["domain", "application"],
    },
    Layer {
        name: "adapters",
        places: &["shared/adapters/*"],
        uses: &["domain", "application", "adapters"],
    },
    Layer {
        name: "http",
        places: &["shared/http/edge", "shared/http/authz"],
        uses: &["domain", "application", "http"],
    },
    Layer { name: "functions", places: &["functions/*"], uses: &["domain", "application", "http"] },
    Layer { name: "routes", places: &["shared/http/routes"], uses: &["http", "functions"] },
    Layer {
        name: "library",
        places: &["shared/writ"],
        uses: &["domain", "application", "adapters"],
    },
    Layer {
        name: "hosts",
        places: &["shared/hosts/*"],
        uses: &["domain", "application", "adapters", "http", "functions", "routes", "hosts"],
    },
    Layer {
        name: "programs",
        places: &["functions/*/lambda", "cli", "infra"],
        uses: &[
            "domain",
            "application",
            "adapters",
            "http",
            "functions",
            "routes",
            "library",
            "hosts",
        ],
    },
];

/// Packages for tests alone: they may depend on all others, and nothing depends on them but tests.
const TESTS: &[&str] = &["tests", "tests/*", "tests/*/*", "fuzz/checks"];

/// A package of the workspace: where it is, and the other packages that its code uses.
struct Package {
    name: String,
    directory: String,
    uses: Vec<String>,
}

fn matches(pattern: &str, directory: &str) -> bool {
    let (pattern, directory) = (pattern.split('/'), directory.split('/'));
    pattern.clone().count() == directory.clone().count()
        && pattern.zip(directory).all(|(pattern, part)| pattern == "*" || pattern == part)
}

fn layer_of(directory: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.places.iter().any(|place| matches(place, directory)))
}

fn cargo(arguments: &[&str]) -> (bool, String, String) {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn packages() -> Vec<Package> {
    let (is_done, text, error) =
        cargo(&["metadata", "--no-deps", "--locked", "--offline", "--format-version", "1"]);
    assert!(is_done, "{error}");
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let workspace = metadata["workspace_root"].as_str().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter().map(|package| {
        let manifest = package["manifest_path"].as_str().unwrap();
        let directory = manifest.strip_prefix(workspace).unwrap().trim_start_matches('/');
        let uses = package["dependencies"].as_array().unwrap().iter();
        // A dependency of tests may point anywhere.
        let uses = uses.filter(|other| !other["path"].is_null() && other["kind"] != "dev");
        Package {
            name: package["name"].as_str().unwrap().to_owned(),
            directory: directory.trim_end_matches("/Cargo.toml").to_owned(),
            uses: uses.map(|other| other["name"].as_str().unwrap().to_owned()).collect(),
        }
    });
    packages.collect()
}

/// Every arrow that the table does not allow, with both of its ends.
fn offences(packages: &[Package]) -> Vec<String> {
    let places: BTreeMap<_, _> =
        packages.iter().map(|package| (package.name.as_str(), &package.directory)).collect();
    let mut found = Vec::new();
    for package in packages {
        if TESTS.iter().any(|tests| matches(tests, &package.directory)) {
            continue;
        }
        let Some(from) = layer_of(&package.directory) else {
            found.push(format!("`{}` in `{}` is in no layer", package.name, package.directory));
            continue;
        };
        for other in &package.uses {
            let to = layer_of(places[other.as_str()]).map_or("tests", |layer| layer.name);
            if !from.uses.contains(&to) {
                let (name, from) = (&package.name, from.name);
                found.push(format!("`{name}` ({from}) depends on `{other}` ({to})"));
            }
        }
    }
    found
}

#[test]
fn dependencies_point_down() {
    let found = offences(&packages());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_arrow_that_points_up_is_found_with_both_its_ends() {
    let package = |name: &str, directory: &str, uses: &[&str]| Package {
        name: name.to_owned(),
        directory: directory.to_owned(),
        uses: uses.iter().map(|&name| name.to_owned()).collect(),
    };
    let packages = [
        package("model", "shared/domain/model", &["store"]),
        package("store", "shared/adapters/store", &["model"]),
        package("stray", "shared/stray", &[]),
    ];
    let want = [
        "`model` (domain) depends on `store` (adapters)",
        "`stray` in `shared/stray` is in no layer",
    ];
    assert_eq!(offences(&packages), want);
}

/// The command links no code of a deployment target that it does not serve.
#[test]
fn the_command_line_links_neither_lambda_nor_sqs() {
    for absent in ["lambda_runtime", "aws-sdk-sqs", "aws-sdk-scheduler"] {
        assert!(!links("writ-cli", absent), "writ-cli links {absent}");
    }
    assert!(links("writ-cli", "clap"));
}

/// Submitting a job and writing a schedule apply schemas, and run nothing.
#[test]
fn a_program_that_only_applies_schemas_links_no_language() {
    for program in ["writ-lambda-jobs", "writ-lambda-schedules"] {
        for absent in ["writ-languages", "rustpython-vm", "writ-rego", "cel", "wasmi"] {
            assert!(!links(program, absent), "{program} links {absent}");
        }
        assert!(links(program, "jsonschema"), "{program}");
    }
    assert!(links("writ-lambda-runner", "rustpython-vm"));
}

/// Whether a package depends on a crate outside of its tests.
fn links(package: &str, dependency: &str) -> bool {
    let tree = ["tree", "--locked", "--offline", "-p", package, "-e", "normal", "-i", dependency];
    let (is_found, _, error) = cargo(&tree);
    assert!(is_found || error.contains("did not match any packages"), "{error}");
    is_found
}

#[test]
fn the_picture_of_the_architecture_shows_every_crate() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let is_missing = |package: &&Package| !page.contains(&format!("`{}`", package.directory));
    let packages = packages();
    let missing: Vec<_> = packages.iter().filter(is_missing).map(|p| &p.directory).collect();
    assert!(missing.is_empty(), "docs/architecture.md does not name {missing:?}");
    let drawn = page.split("```mermaid").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    for package in packages.iter().filter(|package| layer_of(&package.directory).is_some()) {
        let name = package.directory.rsplit('/').next().unwrap();
        let name = if name == "lambda" { "functions/*/lambda" } else { name };
        assert!(drawn.contains(name), "the picture does not show `{}`", package.directory);
    }
}
