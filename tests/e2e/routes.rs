//! The routes of the committed OpenAPI document.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::root;

/// A route of the API.
#[derive(Debug)]
pub(crate) struct Route {
    /// The operation's id, as `policy.get`.
    pub(crate) name: String,
    pub(crate) method: String,
    /// The path template, as `/policy/{uri}`.
    pub(crate) template: String,
}

impl Route {
    /// The route key of API Gateway, as `GET /policy/{uri}`.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.method, self.template)
    }

    /// The values of the template's parameters in a path; `None` if the path does not match.
    fn params(&self, path: &str) -> Option<Vec<(String, String)>> {
        let (mut template, mut path) = (self.template.split('/'), path.split('/'));
        let mut params = Vec::new();
        loop {
            match (template.next(), path.next()) {
                (None, None) => return Some(params),
                (Some(expected), Some(found)) => {
                    let name = expected.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                    match name {
                        Some(name) if !found.is_empty() => {
                            params.push((name.to_owned(), found.to_owned()));
                        }
                        None if expected == found => {}
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
    }
}

/// All routes of the API.
#[derive(Debug)]
pub(crate) struct Routes(Vec<Route>);

impl Routes {
    /// Reads the routes from `docs/openapi.json`.
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

    /// Finds the route of a request and its path parameters. As in API Gateway, the method must
    /// match, and a fixed segment has precedence over a parameter.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<(&Route, Vec<(String, String)>)> {
        self.0
            .iter()
            .filter(|route| route.method == method)
            .filter_map(|route| Some((route, route.params(path)?)))
            .min_by_key(|(_, params)| params.len())
    }

    /// The names of the routes that are not in `called`.
    pub(crate) fn missing<'r>(&'r self, called: &[&str]) -> Vec<&'r str> {
        let names = self.0.iter().map(|route| route.name.as_str());
        names.filter(|name| !called.contains(name)).collect()
    }
}
