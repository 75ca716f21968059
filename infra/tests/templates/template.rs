//! Templates as they are committed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// The root directory of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A template; `!Ref x` is read as `{"!Ref": "x"}`.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// The file's name without its ending.
    pub(crate) name: String,
    pub(crate) value: Value,
}

impl Template {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let yaml: yaml_serde::Value = yaml_serde::from_str(&text).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        Self { name, value: plain(yaml) }
    }

    /// The root template, which nests the others.
    pub(crate) fn root() -> Self {
        Self::read(&root().join("infra/template.yaml"))
    }

    /// Every nested stack, by name.
    pub(crate) fn stacks() -> Vec<Self> {
        let entries = fs::read_dir(root().join("infra/stacks")).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// The nested stack of this name.
    pub(crate) fn stack(name: &str) -> Self {
        Self::read(&root().join(format!("infra/stacks/{name}.yaml")))
    }

    /// Resources of a type, with their ids.
    pub(crate) fn of_type<'t>(
        &'t self,
        kind: &'t str,
    ) -> impl Iterator<Item = (&'t str, &'t Value)> {
        let resources = self.value["Resources"].as_object().unwrap().iter();
        resources
            .filter(move |(_, resource)| resource["Type"] == kind)
            .map(|(id, resource)| (id.as_str(), resource))
    }

    /// The properties of a resource, which has to be there and of this type.
    pub(crate) fn properties(&self, id: &str, kind: &str) -> &Value {
        let resource = &self.value["Resources"][id];
        assert_eq!(resource["Type"], kind, "{} {id}", self.name);
        &resource["Properties"]
    }

    /// The functions, with what they inherit.
    pub(crate) fn functions(&self) -> Vec<(&str, Value)> {
        let inherited = &self.value["Globals"]["Function"];
        self.of_type("AWS::Serverless::Function")
            .map(|(id, function)| {
                let mut whole = inherited.clone();
                merge(&mut whole, &function["Properties"]);
                (id, whole)
            })
            .collect()
    }
}

/// As SAM merges what functions inherit with what is their own.
fn merge(inherited: &mut Value, own: &Value) {
    match (inherited, own) {
        (Value::Object(inherited), Value::Object(own)) => {
            for (name, value) in own {
                merge(inherited.entry(name).or_insert(Value::Null), value);
            }
        }
        (inherited, own) => *inherited = own.clone(),
    }
}

fn plain(yaml: yaml_serde::Value) -> Value {
    match yaml {
        yaml_serde::Value::Tagged(tagged) => {
            Value::Object(Map::from_iter([(tagged.tag.to_string(), plain(tagged.value))]))
        }
        yaml_serde::Value::Mapping(mapping) => Value::Object(
            mapping
                .into_iter()
                .map(|(name, value)| (name.as_str().unwrap().to_owned(), plain(value)))
                .collect(),
        ),
        yaml_serde::Value::Sequence(items) => items.into_iter().map(plain).collect(),
        other => serde_json::to_value(other).unwrap(),
    }
}

/// What `!Ref` or `!GetAtt` names.
pub(crate) fn referred(value: &Value) -> &str {
    let name = value.get("!Ref").or_else(|| value.get("!GetAtt")).unwrap_or(&Value::Null);
    name.as_str().unwrap_or_else(|| panic!("{value} refers to nothing"))
}

/// The pattern of `!Sub`.
pub(crate) fn pattern(value: &Value) -> &str {
    value["!Sub"].as_str().unwrap_or_else(|| panic!("{value} is no `!Sub`"))
}
