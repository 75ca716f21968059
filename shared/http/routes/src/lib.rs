//! The one list of routes, and which program serves them on AWS.
//!
//! The embedded gateway, the authorizer, the OpenAPI document and the deployment's templates are
//! made from it or held against it.

use writ_edge::RouteSpec;

/// A program that Lambda functions are made from, one function per route: the function's handler
/// name is the route's name, and picks it.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// The program's name.
    pub name: &'static str,
    /// What is known of its routes.
    pub specs: &'static [RouteSpec],
}

/// Every program that serves routes.
pub const BINARIES: &[Binary] = &[
    binary(writ_fn_policies::policies_compile::NAME, writ_fn_policies::policies_compile::SPECS),
    binary(writ_fn_policies::policies::NAME, writ_fn_policies::policies::SPECS),
    binary(writ_fn_executors::executors::NAME, writ_fn_executors::executors::SPECS),
    binary(writ_fn_executions::executions::NAME, writ_fn_executions::executions::SPECS),
    binary(
        writ_fn_executions::executions_replay::NAME,
        writ_fn_executions::executions_replay::SPECS,
    ),
    binary(writ_fn_jobs::jobs::NAME, writ_fn_jobs::jobs::SPECS),
    binary(writ_fn_schedules::schedules::NAME, writ_fn_schedules::schedules::SPECS),
    binary(writ_fn_access::access::NAME, writ_fn_access::access::SPECS),
];

const fn binary(name: &'static str, specs: &'static [RouteSpec]) -> Binary {
    Binary { name, specs }
}

/// What is known of every route.
#[must_use]
pub fn specs() -> Vec<RouteSpec> {
    BINARIES.iter().flat_map(|binary| binary.specs).cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_schema_that_a_route_names_is_in_the_document() {
        assert_eq!(writ_edge::undefined_names(&specs()), Vec::<String>::new());
    }

    #[test]
    fn no_two_routes_share_a_name_or_a_method_and_path() {
        let specs = specs();
        let names: BTreeSet<_> = specs.iter().map(|spec| spec.name).collect();
        let places: BTreeSet<_> =
            specs.iter().map(|spec| format!("{} {}", spec.method, spec.path)).collect();
        assert_eq!((names.len(), places.len()), (specs.len(), specs.len()));
    }

    #[test]
    fn every_program_has_a_name_of_its_own_and_routes() {
        let names: BTreeSet<_> = BINARIES.iter().map(|binary| binary.name).collect();
        assert_eq!(names.len(), BINARIES.len());
        assert!(BINARIES.iter().all(|binary| !binary.specs.is_empty()));
    }
}
