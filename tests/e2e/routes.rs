//! The routes, as the committed OpenAPI document lists them.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::root;

/// One route.
#[derive(Debug)]
pub(crate) struct Route {
    /// As `policy.get`.
    pub(crate) name: String,
    pub(crate) method: String,
    /// As `/policy/{uri}`.
    pub(crate) template: String,
}

impl Route {
    /// As API Gateway names it.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// What stands for the template's names in a path; `None` for another route's path.
    fn params(&self, path: &str) -> Option<Vec<(String, String)>> {
        let (mut template, mut path) = (self.template.split('/'), path.split('/'));
        let mut params = Vec::new();
        loop {
            match (template.next(), path.next()) {
                (None, None) => return Some(params),
                (Some(wanted), Some(found)) => {
                    let name = wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                    match name {
                        Some(name) if !found.is_empty() => {
                            params.push((name.to_owned(), found.to_owned()));
                        }
                        None if wanted == found => {}
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Route>);

impl Routes {
    /// Reads `docs/openapi.json`.
    pub(crate) fn load() -> Result<Self, Failed> {
        let text = std::fs::read_to_string(root().join("docs/openapi.json"))?;
        let document: Value = serde_json::from_str(&text)?;
        let paths = document.get("paths").and_then(Value::as_object).ok_or("no paths")?;
        let mut routes = Vec::new();
        for (template, methods) in paths {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                if let Some(name) = operation.get("operationId").and_then(Value::as_str) {
                    routes.push(Route {
                        name: name.to_owned(),
                        method: method.to_uppercase(),
                        template: template.clone(),
                    });
                }
            }
        }
        Ok(Self(routes))
    }

    /// The route of a request, and what stands for the names in its template. The method is
    /// decided first and a fixed segment goes before a name, as in API Gateway.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<(&Route, Vec<(String, String)>)> {
        self.0
            .iter()
            .filter(|route| route.method == method)
            .filter_map(|route| Some((route, route.params(path)?)))
            .min_by_key(|(_, params)| params.len())
    }

    /// Those that are not among `called`.
    pub(crate) fn missing<'r>(&'r self, called: &[&str]) -> Vec<&'r str> {
        let names = self.0.iter().map(|route| route.name.as_str());
        names.filter(|name| !called.contains(name)).collect()
    }
}
