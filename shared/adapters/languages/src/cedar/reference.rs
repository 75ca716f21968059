//! References to entities, as `User::"alice"` or `{"type": "User", "id": "alice"}`.

use std::str::FromStr;

use cedar_policy::EntityUid;
use cedar_policy::ffi::DetailedError;
use serde_json::Value;

use super::diagnose;

/// Parses a reference in any of its notations.
///
/// # Errors
/// Cedar's own message.
pub(super) fn parse(reference: &Value) -> Result<EntityUid, String> {
    match reference {
        Value::String(text) => EntityUid::from_str(text).map_err(|errors| {
            let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
            format!("`{text}` is no entity: {}", messages.join(", "))
        }),
        Value::Object(_) => EntityUid::from_json(reference.clone())
            .map_err(|error| diagnose::message_with_help(DetailedError::from(&error))),
        _ => Err(
            "an entity is written `User::\"alice\"` or `{\"type\": \"User\", \"id\": \"alice\"}`"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_notation_means_the_same() {
        let alice = EntityUid::from_str("App::User::\"alice\"").unwrap();
        for notation in [
            json!("App::User::\"alice\""),
            json!({"type": "App::User", "id": "alice"}),
            json!({"__entity": {"type": "App::User", "id": "alice"}}),
        ] {
            assert_eq!(parse(&notation).as_ref(), Ok(&alice), "{notation}");
        }
        let quoted = json!({"type": "User", "id": "a\"b\n"});
        assert_eq!(parse(&json!("User::\"a\\\"b\\n\"")), parse(&quoted));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for wrong in [
            json!("alice"),
            json!("User::alice"),
            json!("us er::\"alice\""),
            json!("User::\"a\"b\""),
            json!({"type": "User"}),
            json!({"type": "User", "id": 1}),
            json!({"type": "if", "id": "a"}),
            json!(7),
            json!(null),
        ] {
            assert!(parse(&wrong).is_err(), "{wrong}");
        }
    }
}
