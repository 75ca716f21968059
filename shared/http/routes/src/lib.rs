//! The one list of routes, and which program serves them on AWS.
//!
//! The embedded gateway, the authorizer, the OpenAPI document and the deployment's templates are
//! made from it or held against it.

use writ_edge::{Route, RouteSpec};

/// A program that Lambda functions are made from, one function per route: the function's handler
/// name is the route's name, and picks it.
#[derive(Clone, Copy, Debug)]
pub struct Binary {
    /// The resource that its routes belong to: the directory in `functions/`, and the stack.
    pub resource: &'static str,
    /// The name of the program, as Cargo and the templates have it.
    pub name: &'static str,
    /// What is known of its routes.
    pub specs: &'static [RouteSpec],
}

/// Declares each resource by its library and the programs that serve it.
macro_rules! resources {
    ($($resource:ident: $library:ident [$($program:ident),+];)+) => {
        /// Every program that serves routes.
        pub const BINARIES: &[Binary] = &[$($(Binary {
            resource: stringify!($resource),
            name: $library::$program::NAME,
            specs: $library::$program::SPECS,
        }),+),+];

        /// Every route, over ports that have what one of them needs.
        #[must_use]
        pub fn routes<P: $($($library::$program::Ports +)+)+>() -> Vec<Route<P>> {
            let mut routes = Vec::new();
            $($(routes.extend($library::$program::routes());)+)+
            routes
        }
    };
}

resources! {
    policies: writ_fn_policies [policies_compile, policies];
    executors: writ_fn_executors [executors];
    executions: writ_fn_executions [executions, executions_replay];
    jobs: writ_fn_jobs [jobs_submit, jobs];
    schedules: writ_fn_schedules [schedules_write, schedules];
    access: writ_fn_access [access];
}

/// What is known of every route.
#[must_use]
pub fn specs() -> Vec<RouteSpec> {
    BINARIES.iter().flat_map(|binary| binary.specs).cloned().collect()
}

#[cfg(test)]
mod tests;
