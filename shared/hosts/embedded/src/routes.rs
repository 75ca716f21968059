//! The list of routes, over the ports of this home.

use writ_edge::Route;

use crate::Platform;

/// Every route of the platform.
#[must_use]
pub fn routes() -> Vec<Route<Platform>> {
    let mut routes = writ_fn_policies::policies_compile::routes();
    routes.extend(writ_fn_policies::policies::routes());
    routes.extend(writ_fn_executors::executors::routes());
    routes.extend(writ_fn_executions::executions::routes());
    routes.extend(writ_fn_executions::executions_replay::routes());
    routes.extend(writ_fn_jobs::jobs::routes());
    routes.extend(writ_fn_schedules::schedules::routes());
    routes.extend(writ_fn_access::access::routes());
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_list_is_served() {
        let served: Vec<_> = routes().iter().map(|route| route.spec.name).collect();
        let listed: Vec<_> = writ_routes::specs().iter().map(|spec| spec.name).collect();
        assert_eq!(served, listed);
    }
}
