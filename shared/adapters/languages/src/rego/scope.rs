//! Resolution of a module's names among several modules.

use regorus::unstable::Module;

use super::inspect;

/// A module's package and imports.
#[derive(Debug)]
pub(super) struct Scope {
    /// The package from the root: `["data", "lib", "net"]`.
    pub(super) package: Vec<String>,
    /// The name of each import, with the path that it refers to.
    aliases: Vec<(String, Vec<String>)>,
}

impl Scope {
    pub(super) fn of(module: &Module) -> Self {
        let mut package = vec!["data".to_owned()];
        package.extend(inspect::path(&module.package.refr));
        let imports = module.imports.iter().map(|import| {
            let target = inspect::path(&import.refr);
            let alias = match &import.r#as {
                Some(alias) => alias.text().to_owned(),
                None => target.last().cloned().unwrap_or_default(),
            };
            (alias, target)
        });
        Self { aliases: imports.collect(), package }
    }

    /// The path of a name in this module's package, from the root.
    pub(super) fn own(&self, name: &[String]) -> Vec<String> {
        [self.package.as_slice(), name].concat()
    }

    /// The paths that a reference may mean, from the root. A rule may shadow an import, so a name is
    /// resolved both ways; a path that does not exist matches nothing.
    pub(super) fn meanings(&self, mention: &[String]) -> Vec<Vec<String>> {
        let Some((first, rest)) = mention.split_first() else { return Vec::new() };
        if first == "data" {
            return vec![mention.to_vec()];
        }
        let imported = self.aliases.iter().filter(|(alias, _)| alias == first);
        let imported = imported
            .map(|(_, target)| [target.as_slice(), rest].concat())
            .filter(|path| path.first().is_some_and(|root| root == "data"));
        imported.chain([self.own(mention)]).collect()
    }
}

/// A path in Rego syntax: `data.lib["net-1"].allow`.
pub(super) fn dotted_path(path: &[String]) -> String {
    let mut text = String::new();
    for part in path {
        let is_name = part
            .starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        match (is_name, text.is_empty()) {
            (true, true) => text.push_str(part),
            (true, false) => {
                text.push('.');
                text.push_str(part);
            }
            (false, _) => text.push_str(&format!("[{}]", serde_json::Value::from(part.as_str()))),
        }
    }
    text
}
