//! What the platform reads in a policy's `metadata`; the rest is its author's.

use serde_json::Value;
use writ_model::{Error, PolicyRule, PolicyUri};

/// The members that mean something to the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Metadata {
    /// `mask`: JSON Pointers to values that execution records do not hold.
    pub(crate) mask: Vec<String>,
    /// `state`: whether runs read a context that earlier runs left.
    pub(crate) state: bool,
    /// `precheck_policy_uri`: the policy that sees the input first.
    pub(crate) precheck_policy_uri: Option<PolicyUri>,
    /// `failure_policy_uri`: the policy that runs after a failed run.
    pub(crate) failure_policy_uri: Option<PolicyUri>,
}

impl Metadata {
    /// Reads the members of a policy's metadata.
    ///
    /// # Errors
    /// A member that is there and malformed, with its location.
    pub(crate) fn of(policy: &PolicyRule) -> Result<Self, Error> {
        let metadata = policy.metadata.value();
        let state = match metadata.get("state") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(state)) => *state,
            Some(_) => {
                let message = "`state` is true for a policy that keeps its `context` from one run \
                               to the next, else false";
                return Err(Error::invalid(message).at("/metadata/state"));
            }
        };
        Ok(Self {
            mask: mask(&metadata)?,
            state,
            precheck_policy_uri: other(policy, &metadata, "precheck_policy_uri")?,
            failure_policy_uri: other(policy, &metadata, "failure_policy_uri")?,
        })
    }
}

/// The URI of another policy.
fn other(policy: &PolicyRule, metadata: &Value, name: &str) -> Result<Option<PolicyUri>, Error> {
    let refuse = |message: String| Error::invalid(message).at(format!("/metadata/{name}"));
    let text = match metadata.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err(refuse(format!("`{name}` is the URI of a policy"))),
    };
    let uri: PolicyUri = text.parse().map_err(|error| refuse(format!("`{name}`: {error}")))?;
    if uri == policy.policy_rule_uri {
        return Err(refuse(format!("`{name}` names the policy itself; name another one")));
    }
    Ok(Some(uri))
}

fn mask(metadata: &Value) -> Result<Vec<String>, Error> {
    let Some(mask) = metadata.get("mask") else { return Ok(Vec::new()) };
    let pointers: Option<Vec<String>> = mask.as_array().and_then(|list| {
        list.iter()
            .map(|pointer| pointer.as_str().filter(|text| is_mask(text)).map(str::to_owned))
            .collect()
    });
    pointers.ok_or_else(|| {
        let message = "`mask` is a list of JSON Pointers into `/input_data`, `/parameters`, \
                       `/context` or `/output`, as `/input_data/password`; `*` stands for nothing \
                       in them: to mask what is in a list, mask the list";
        Error::invalid(message).at("/metadata/mask")
    })
}

/// Whether a text points into what a record holds of a run.
fn is_mask(pointer: &str) -> bool {
    let roots = ["/input_data", "/parameters", "/context", "/output"];
    let is_rooted = roots.iter().any(|root| {
        pointer.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    is_rooted && !pointer.split('/').any(|segment| segment == "*")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(metadata: &Value) -> Result<Metadata, Error> {
        let document = json!({
            "name": "a", "version": "1", "release_tag": "x", "code": "", "metadata": metadata,
        });
        Metadata::of(&PolicyRule::from_json(&document.to_string()).unwrap())
    }

    #[test]
    fn what_the_platform_knows_is_read_and_the_rest_is_left() {
        let metadata = json!({
            "state": true, "precheck_policy_uri": "b:1-x", "failure_policy_uri": null,
            "mask": ["/context/pin"], "author_name": 7,
        });
        let expected = Metadata {
            mask: vec!["/context/pin".to_owned()],
            state: true,
            precheck_policy_uri: Some("b:1-x".parse().unwrap()),
            failure_policy_uri: None,
        };
        assert_eq!(read(&metadata), Ok(expected));
        assert_eq!(read(&json!({})), Ok(Metadata::default()));
    }

    #[test]
    fn what_cannot_be_understood_is_refused_with_its_place() {
        let cases = [
            (json!({"state": "yes"}), "/metadata/state", "true for a policy"),
            (json!({"precheck_policy_uri": 1}), "/metadata/precheck_policy_uri", "is the URI"),
            (json!({"failure_policy_uri": "b"}), "/metadata/failure_policy_uri", "`"),
            (json!({"failure_policy_uri": "a:1-x"}), "/metadata/failure_policy_uri", "itself"),
            (json!({"mask": ["/secret"]}), "/metadata/mask", "JSON Pointers"),
            (json!({"mask": ["/context/*"]}), "/metadata/mask", "JSON Pointers"),
        ];
        for (metadata, location, message) in cases {
            let error = read(&metadata).unwrap_err();
            assert_eq!(error.location.as_deref(), Some(location), "{metadata}");
            assert!(error.message.contains(message), "{error}");
        }
    }
}
