//! Finds the route of a request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use http::Method;
use writ_edge::Route;
use writ_edge::path::Path;

/// Paths of the gateway's own pages.
pub(super) const OWN_PATHS: [&str; 5] = ["/", "/docs", "/openapi.json", HEALTH_PATH, "/metrics"];

/// The path of the health check, which is answered even when no connection is left.
pub(super) const HEALTH_PATH: &str = "/healthz";

/// Routes that a 404 response suggests at most.
const SUGGESTIONS_MAX: usize = 8;

/// The route table as a search tree of paths. The path is matched first, and a fixed segment before a
/// parameter, as OpenAPI matches URLs: `/policy/query` is never the policy `query`, whatever the method.
pub(super) struct Router<P> {
    routes: Vec<Arc<Route<P>>>,
    by_path: matchit::Router<Vec<Arc<Route<P>>>>,
}

/// The errors of a route table.
#[derive(Debug, thiserror::Error)]
pub enum RouteError {
    /// Two paths match the same requests, or a path is no valid pattern.
    #[error("route `{name}` cannot be served: {source}")]
    Path {
        /// The name of the later route.
        name: &'static str,
        /// The error of the router.
        source: matchit::InsertError,
    },
    /// Two routes have the same method and path.
    #[error("route `{name}` has the method and path of another route")]
    Duplicate {
        /// The name of the later route.
        name: &'static str,
    },
    /// Two routes have the same name.
    #[error("there are two routes of the name `{name}`")]
    Name {
        /// The name of both routes.
        name: &'static str,
    },
    /// The path is one of the gateway's own pages.
    #[error("route `{name}` takes the path `{path}`, which the gateway serves itself")]
    ReservedPath {
        /// The name of the route.
        name: &'static str,
        /// The path of the route.
        path: &'static str,
    },
}

/// The result of a search in the route table.
pub(super) enum RouteMatch<P> {
    /// The route, and the values of its `{name}` segments.
    Route(Arc<Route<P>>, Vec<(String, String)>),
    /// The path exists for these other methods.
    MethodNotAllowed(Vec<Method>),
    /// The path does not exist; these routes are similar.
    NotFound(Vec<String>),
}

impl<P> Router<P> {
    pub(super) fn new(routes: Vec<Route<P>>) -> Result<Self, RouteError> {
        let mut router = Self { routes: Vec::new(), by_path: matchit::Router::new() };
        let mut names = BTreeSet::new();
        let mut by_path: BTreeMap<&str, Vec<Arc<Route<P>>>> = BTreeMap::new();
        for route in routes {
            let (name, path) = (route.spec.name, route.spec.path);
            if OWN_PATHS.contains(&path) {
                return Err(RouteError::ReservedPath { name, path });
            }
            if !names.insert(name) {
                return Err(RouteError::Name { name });
            }
            let of_path = by_path.entry(path).or_default();
            if of_path.iter().any(|other| other.spec.method == route.spec.method) {
                return Err(RouteError::Duplicate { name });
            }
            let route = Arc::new(route);
            of_path.push(Arc::clone(&route));
            router.routes.push(route);
        }
        for (path, of_path) in by_path {
            let name = of_path.first().map_or("", |route| route.spec.name);
            let inserted = router.by_path.insert(path, of_path);
            inserted.map_err(|source| RouteError::Path { name, source })?;
        }
        Ok(router)
    }

    /// Searches a route by method and canonical path.
    pub(super) fn find(&self, method: &Method, path: &str) -> RouteMatch<P> {
        let Ok(found) = self.by_path.at(path) else {
            return RouteMatch::NotFound(self.similar(path));
        };
        match found.value.iter().find(|route| route.spec.method == *method) {
            Some(route) => {
                let params = found.params.iter();
                let params = params.map(|(name, value)| (name.to_owned(), Path::segment_of(value)));
                RouteMatch::Route(Arc::clone(route), params.collect())
            }
            None => RouteMatch::MethodNotAllowed(
                found.value.iter().map(|route| route.spec.method.clone()).collect(),
            ),
        }
    }

    /// Routes with the same first segment, else with one that begins with the same characters.
    fn similar(&self, path: &str) -> Vec<String> {
        let wanted = first_segment(path);
        let suggest = |is_similar: &dyn Fn(&str) -> bool| -> Vec<String> {
            let similar =
                self.routes.iter().filter(|route| is_similar(first_segment(route.spec.path)));
            similar
                .take(SUGGESTIONS_MAX)
                .map(|route| format!("{} {}", route.spec.method, route.spec.path))
                .collect()
        };
        let exact = suggest(&|first| first == wanted);
        if exact.is_empty() {
            suggest(&|first| common_prefix_len(first, wanted) >= 4)
        } else {
            exact
        }
    }
}

fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

fn common_prefix_len(left: &str, right: &str) -> usize {
    left.chars().zip(right.chars()).take_while(|(left, right)| left == right).count()
}

#[cfg(test)]
mod tests {
    use writ_edge::{AccessLevel, Reply, RouteSpec};

    use super::*;

    fn route(name: &'static str, method: Method, path: &'static str) -> Route<()> {
        let spec = RouteSpec {
            name,
            method,
            path,
            access_level: AccessLevel::Read,
            summary: "Does it.",
            data: "Output",
            ..RouteSpec::DEFAULT
        };
        Route { spec, handle: |(), _| Box::pin(async { Ok(Reply::data("1")) }) }
    }

    fn router() -> Router<()> {
        Router::new(vec![
            route("policy.create", Method::POST, "/policy"),
            route("policy.query", Method::POST, "/policy/query"),
            route("policy.get", Method::GET, "/policy/{uri}"),
            route("policy.revision", Method::GET, "/policy/{uri}/revisions/{n}"),
        ])
        .unwrap_or_else(|error| panic!("{error}"))
    }

    fn found(method: Method, path: &str) -> String {
        match router().find(&method, path) {
            RouteMatch::Route(route, params) => format!("{} {params:?}", route.spec.name),
            RouteMatch::MethodNotAllowed(methods) => format!("{methods:?}"),
            RouteMatch::NotFound(similar) => similar.join(", "),
        }
    }

    #[test]
    fn a_fixed_path_is_found_before_one_with_a_parameter_whatever_the_method() {
        for (method, path, want) in [
            (Method::POST, "/policy/query", "policy.query []"),
            (Method::GET, "/policy/query", "[POST]"),
            (Method::OPTIONS, "/policy/query", "[POST]"),
            (Method::DELETE, "/policy/query", "[POST]"),
            (Method::GET, "/policy/a", r#"policy.get [("uri", "a")]"#),
            (Method::OPTIONS, "/policy/a", "[GET]"),
            // What only begins like a fixed path is none.
            (
                Method::GET,
                "/policy/query/revisions/2",
                r#"policy.revision [("uri", "query"), ("n", "2")]"#,
            ),
            (Method::GET, "/policy/a%2Fb", r#"policy.get [("uri", "a/b")]"#),
            (Method::GET, "/policy/a/revisions/2", r#"policy.revision [("uri", "a"), ("n", "2")]"#),
            (Method::DELETE, "/policy", "[POST]"),
        ] {
            assert_eq!(found(method.clone(), path), want, "{method} {path}");
        }
    }

    #[test]
    fn a_path_that_is_not_there_names_those_that_are_like_it() {
        assert!(found(Method::GET, "/policy/a/b").contains("GET /policy/{uri}/revisions/{n}"));
        assert!(found(Method::GET, "/policies").contains("POST /policy"));
        assert_eq!(found(Method::GET, "/something"), "");
        assert_eq!(found(Method::GET, "/policy/"), found(Method::GET, "/policy/a/b"));
    }

    #[test]
    fn a_table_that_is_not_clear_is_refused() {
        for (routes, want) in [
            (
                vec![route("a", Method::GET, "/x/{a}"), route("b", Method::GET, "/x/{b}")],
                "route `b` cannot be served",
            ),
            (
                vec![route("a", Method::GET, "/x"), route("b", Method::GET, "/x")],
                "route `b` has the method and path of another route",
            ),
            (
                vec![route("a", Method::GET, "/x"), route("a", Method::GET, "/y")],
                "two routes of the name `a`",
            ),
            (vec![route("a", Method::GET, "/docs")], "serves itself"),
        ] {
            let error =
                Router::new(routes).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(want), "{error}");
        }
    }
}
