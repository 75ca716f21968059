//! Names that the glossary has replaced do not come back: `names.txt` lists them, one a line, with
//! the directories that a name is banned in where it is an ordinary word elsewhere.

use std::collections::BTreeSet;

use syn::visit::Visit;

use crate::source::{File, files};

/// The committed list: `name` or `name: directory, directory`.
const NAMES: &str = include_str!("names.txt");

/// Documents that tell of the past and keep its names.
const PAST: [&str; 2] = ["docs/decisions/", "CHANGELOG.md"];

/// A name, and where it is banned: everywhere, or below these directories.
struct Banned {
    name: &'static str,
    directories: Vec<&'static str>,
}

impl Banned {
    fn all() -> Vec<Self> {
        let lines = NAMES.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let banned = lines.map(|line| {
            let (name, directories) = line.split_once(':').unwrap_or((line, ""));
            let directories = directories.split(',').map(str::trim);
            Self { name, directories: directories.filter(|at| !at.is_empty()).collect() }
        });
        banned.collect()
    }

    fn holds_in(&self, path: &str) -> bool {
        self.directories.is_empty()
            || self.directories.iter().any(|directory| path.starts_with(directory))
    }
}

/// Names of the types, functions, constants and modules that a file defines.
#[derive(Default)]
struct Definitions(BTreeSet<String>);

impl Definitions {
    fn add(&mut self, name: &syn::Ident) {
        self.0.insert(name.to_string());
    }

    fn of(file: &File) -> Self {
        let parsed = syn::parse_file(&file.text)
            .unwrap_or_else(|error| panic!("{} does not parse: {error}", file.path));
        let mut definitions = Self::default();
        definitions.visit_file(&parsed);
        definitions
    }
}

impl<'ast> Visit<'ast> for Definitions {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.add(&item.ident);
        syn::visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.add(&item.ident);
        syn::visit::visit_item_enum(self, item);
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.add(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.add(&item.ident);
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.add(&item.ident);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.add(&item.ident);
        syn::visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.add(&item.ident);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.add(&item.ident);
        syn::visit::visit_item_mod(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.add(&signature.ident);
        syn::visit::visit_signature(self, signature);
    }
}

#[test]
fn no_type_function_module_or_file_has_a_banned_name() {
    let banned = Banned::all();
    let mut found = Vec::new();
    for file in files("rs") {
        let mut names = Definitions::of(&file).0;
        names.extend(file.path.trim_end_matches(".rs").split('/').map(str::to_owned));
        for banned in &banned {
            if banned.holds_in(&file.path) && names.contains(banned.name) {
                found.push(format!("{}: `{}`", file.path, banned.name));
            }
        }
    }
    assert!(found.is_empty(), "{} banned names:\n{}", found.len(), found.join("\n"));
}

#[test]
fn no_heading_has_a_banned_name() {
    let banned: BTreeSet<String> = Banned::all()
        .into_iter()
        .filter(|banned| banned.directories.is_empty())
        .map(|banned| banned.name.to_lowercase())
        .collect();
    let mut found = Vec::new();
    for file in files("md").iter().filter(|file| !PAST.iter().any(|at| file.path.starts_with(at))) {
        let mut is_code = false;
        for line in file.text.lines() {
            is_code ^= line.starts_with("```");
            let Some(heading) = line.strip_prefix('#').filter(|_| !is_code) else { continue };
            let words = heading.split(|c: char| !c.is_alphanumeric() && c != '_');
            for word in words.map(str::to_lowercase).filter(|word| banned.contains(word)) {
                found.push(format!("{}: `{word}` in `{line}`", file.path));
            }
        }
    }
    assert!(found.is_empty(), "{} headings:\n{}", found.len(), found.join("\n"));
}

#[test]
fn definitions_of_every_kind_are_read() {
    let text = "mod a { pub(crate) struct B { c: D } impl E { fn f() { struct G; } } } \
                trait H { fn i(); } enum J { K } type L = M; const N: u8 = 0; static O: u8 = 0; \
                union P { q: u8 }";
    let file = File { path: "f.rs".to_owned(), text: text.to_owned() };
    let names: Vec<_> = Definitions::of(&file).0.into_iter().collect();
    assert_eq!(names, ["B", "G", "H", "J", "L", "N", "O", "P", "a", "f", "i"]);
}
