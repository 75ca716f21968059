//! The identity of the caller, and tokens for other callers: one file per route.

mod create;
mod list;
mod new_token;
mod record;
mod revoke;
mod scope;
mod whoami;

#[cfg(test)]
mod fixture;

writ_edge::binary! {
    /// Shows the caller's identity, and makes, lists and revokes tokens.
    access = "access" serves [whoami, create, list, revoke]
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use http::HeaderValue;
    use writ_authz::Authorizer;
    use writ_edge::serve;
    use writ_model::Role;

    use super::access::{SPECS, routes};
    use writ_testing::MemoryPlatform;

    use crate::fixture::{caller, data, request};

    #[test]
    fn everybody_may_ask_who_they_are_and_only_admins_touch_tokens() {
        let authorizer =
            Authorizer::new(SPECS.iter().map(|spec| (spec.name, spec.access_level.name())))
                .unwrap();
        for role in Role::ALL {
            for spec in SPECS {
                let allowed = authorizer.decide(&caller("token", role).identity, spec.name).is_ok();
                assert_eq!(
                    allowed,
                    role == Role::Admin || spec.name == "access.whoami",
                    "{role} {}",
                    spec.name
                );
            }
        }
    }

    #[tokio::test]
    async fn a_token_asked_for_twice_with_one_key_is_made_once_and_kept_nowhere_in_clear() {
        let ports = MemoryPlatform::default();
        let routes = routes::<MemoryPlatform>();
        let create = routes.iter().find(|route| route.spec.name == "token.create").unwrap();
        let ask = || async {
            let mut request =
                request(caller("token", Role::Admin), r#"{"subject": "ci", "role": "reader"}"#);
            for (name, value) in
                [("content-type", "application/json"), ("idempotency-key", "the-key")]
            {
                request.headers.insert(name, HeaderValue::from_static(value));
            }
            serve(&ports, create, request, pending()).await
        };
        let (first, second) = (ask().await, ask().await);
        assert_eq!((first.status.as_u16(), second.status.as_u16()), (201, 409));
        assert_eq!(ports.tokens().len(), 1);
        let text = data(&first)["token"].as_str().unwrap().to_owned();
        let [kept] = &ports.replies()[..] else { panic!("one reply is kept") };
        for body in [&second.body, &kept.body] {
            assert!(!body.contains(&text[22..]), "{body}");
            assert!(body.contains(data(&first)["token_id"].as_str().unwrap()), "{body}");
        }
    }

    #[test]
    fn what_the_reference_page_needs_is_defined() {
        assert_eq!(writ_edge::undefined_names(SPECS), Vec::<String>::new());
    }
}
