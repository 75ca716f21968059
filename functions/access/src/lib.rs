//! Who is calling, and the tokens by which others may: one file per route.

mod create;
mod list;
mod new_token;
mod record;
mod revoke;
mod scope;
mod whoami;

#[cfg(test)]
mod memory;

use writ_edge::Route;
use writ_ports::{Clock, Ids, ListTokens, PutToken, RevokeToken};

/// The routes of identities and tokens.
#[must_use]
pub fn routes<P: Clock + Ids + ListTokens + PutToken + RevokeToken>() -> Vec<Route<P>> {
    vec![
        Route { about: whoami::ABOUT, handle: |_, request| Box::pin(whoami::handle(request)) },
        Route {
            about: create::ABOUT,
            handle: |ports, request| Box::pin(create::handle(ports, request)),
        },
        Route {
            about: list::ABOUT,
            handle: |ports, request| Box::pin(list::handle(ports, request)),
        },
        Route {
            about: revoke::ABOUT,
            handle: |ports, request| Box::pin(revoke::handle(ports, request)),
        },
    ]
}

#[cfg(test)]
mod tests {
    use writ_authz::Authorizer;
    use writ_model::Role;

    use super::*;
    use crate::memory::{Memory, caller};

    #[test]
    fn everybody_may_ask_who_they_are_and_only_admins_touch_tokens() {
        let abouts: Vec<_> = routes::<Memory>().into_iter().map(|route| route.about).collect();
        let authorizer =
            Authorizer::new(abouts.iter().map(|about| (about.name, about.effect.name()))).unwrap();
        for role in Role::ALL {
            for about in &abouts {
                let allowed =
                    authorizer.decide(&caller("token", role).identity, about.name).is_ok();
                assert_eq!(
                    allowed,
                    role == Role::Admin || about.name == "access.whoami",
                    "{role} {}",
                    about.name
                );
            }
        }
    }

    #[test]
    fn no_reply_with_a_token_is_kept_for_an_idempotency_key() {
        for route in routes::<Memory>() {
            assert!(!route.about.is_idempotent_by_key(), "{}", route.about.name);
        }
    }

    #[test]
    fn what_the_reference_page_needs_is_defined() {
        let abouts: Vec<_> = routes::<Memory>().into_iter().map(|route| route.about).collect();
        assert_eq!(writ_edge::undefined_names(&abouts), Vec::<String>::new());
    }
}
