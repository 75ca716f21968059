//! References to entities, as `User::"alice"` or `{"type": "User", "id": "alice"}`.

use std::str::FromStr;

use cedar_policy::EntityUid;
use cedar_policy::ffi::DetailedError;
use serde_json::Value;

use super::diagnose;

/// Reads a reference in any of its notations, or says in Cedar's words what is wrong.
pub(super) fn read(reference: &Value) -> Result<EntityUid, String> {
    match reference {
        Value::String(text) => EntityUid::from_str(text).map_err(|errors| {
            let words: Vec<String> = errors.iter().map(ToString::to_string).collect();
            format!("`{text}` is no entity: {}", words.join(", "))
        }),
        Value::Object(_) => EntityUid::from_json(reference.clone())
            .map_err(|error| diagnose::words(DetailedError::from(&error))),
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
            assert_eq!(read(&notation).as_ref(), Ok(&alice), "{notation}");
        }
        let quoted = json!({"type": "User", "id": "a\"b\n"});
        assert_eq!(read(&json!("User::\"a\\\"b\\n\"")), read(&quoted));
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
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
