//! The list of routes, over the ports of this home.

use writ_edge::Route;

use crate::Platform;

/// Every route of the platform.
#[must_use]
pub fn routes() -> Vec<Route<Platform>> {
    let mut routes = writ_fn_policies::compiled::routes();
    routes.extend(writ_fn_policies::registry::routes());
    routes.extend(writ_fn_executors::runs::routes());
    routes.extend(writ_fn_executions::log::routes());
    routes.extend(writ_fn_executions::replays::routes());
    routes.extend(writ_fn_jobs::ledger::routes());
    routes.extend(writ_fn_schedules::calendar::routes());
    routes.extend(writ_fn_access::identities::routes());
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_of_the_list_is_served() {
        let served: Vec<_> = routes().iter().map(|route| route.about.name).collect();
        let listed: Vec<_> = writ_routes::abouts().iter().map(|about| about.name).collect();
        assert_eq!(served, listed);
    }
}
