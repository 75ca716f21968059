//! The one list of routes.

use writ_edge::{About, Route};

use crate::Platform;

/// Every route of the platform.
#[must_use]
pub fn routes() -> Vec<Route<Platform>> {
    let mut routes = writ_fn_policies::routes();
    routes.extend(writ_fn_executors::routes());
    routes.extend(writ_fn_executions::routes());
    routes.extend(writ_fn_access::routes());
    routes
}

/// What is known of every route.
#[must_use]
pub fn abouts() -> Vec<About> {
    routes().into_iter().map(|route| route.about).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_a_route_names_is_in_the_document() {
        assert_eq!(writ_edge::undefined_names(&abouts()), Vec::<String>::new());
    }

    #[test]
    fn no_two_routes_share_a_name_or_a_method_and_path() {
        let mut names: Vec<_> = abouts().iter().map(|about| about.name).collect();
        let mut places: Vec<_> =
            abouts().iter().map(|about| format!("{} {}", about.method, about.path)).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        places.sort_unstable();
        places.dedup();
        assert_eq!((names.len(), places.len()), (count, count));
    }
}
