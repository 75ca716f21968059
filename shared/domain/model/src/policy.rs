//! The policy rule: a program, its schemas, its stored values.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{Error, ErrorKind, Language, PolicyUri, RawJson};

/// A stored body holds at most this many bytes.
pub const BODY_BYTES_MAX: usize = 2 << 20;

/// A policy as its author wrote it. Field names and their order are the registry's; the
/// JSON-valued ones keep their original bytes.
///
/// Serialising it gives the stored body, whose SHA-256 is the revision's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyRule {
    /// `{name}:{version}-{release_tag}`, always derived.
    pub policy_rule_uri: PolicyUri,
    /// First part of the URI.
    pub name: String,
    /// Second part of the URI.
    pub version: String,
    /// Third part of the URI.
    pub release_tag: String,
    /// Free; `pack`, `mask` and others have a meaning to the platform.
    pub metadata: RawJson,
    /// Comma-separated.
    pub tags: String,
    /// The source itself.
    pub code: String,
    /// Free, as `python_class_v1`; chooses the language where `code_type` is absent.
    #[serde(rename = "type")]
    pub policy_type: String,
    /// Of `input_data`.
    pub policy_input_schema: RawJson,
    /// Of what the policy returns.
    pub policy_output_schema: RawJson,
    /// Of `policy_settings`.
    pub policy_settings_schema: RawJson,
    /// Of the merged parameters.
    pub policy_parameters_schema: RawJson,
    /// Fixed when the policy is registered.
    pub policy_settings: RawJson,
    /// Defaults, shallowly overridden by a caller's.
    pub policy_parameters: RawJson,
    /// `[{"name", "description", "schema"}]`.
    pub management_commands_schema: RawJson,
    /// For people.
    pub description: String,
    /// The language; see [`Language::choose`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_type: Option<String>,
    /// For the language, as rego's `query`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functionality_data: Option<RawJson>,
    /// For allocators.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_estimates: Option<RawJson>,
}

const REQUIRED: [&str; 4] = ["name", "version", "release_tag", "code"];
const FIELDS: [&str; 19] = [
    "policy_rule_uri",
    "name",
    "version",
    "release_tag",
    "metadata",
    "tags",
    "code",
    "type",
    "policy_input_schema",
    "policy_output_schema",
    "policy_settings_schema",
    "policy_parameters_schema",
    "policy_settings",
    "policy_parameters",
    "management_commands_schema",
    "description",
    "code_type",
    "functionality_data",
    "resource_estimates",
];

impl PolicyRule {
    /// Reads a policy from a JSON document. A `policy_rule_uri` in it is ignored: the URI is
    /// always derived. Schemas and code are not looked into.
    ///
    /// # Errors
    /// Malformed JSON, a field that is unknown, missing, twice there or of the wrong type, and
    /// parts that cannot make a URI; each with its place.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        if text.len() > BODY_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "a policy holds at most {BODY_BYTES_MAX} bytes; this one has {}",
                    text.len()
                ),
            ));
        }
        // Once as a tree, which bounds the nesting; once for the bytes.
        serde_json::from_str::<serde::de::IgnoredAny>(text)
            .and_then(|_| serde_json::from_str::<serde_json::Value>(text))
            .map_err(|error| Error::invalid(format!("the policy is not valid JSON: {error}")))?;
        let Members(members) = serde_json::from_str(text)
            .map_err(|error| Error::invalid(format!("a policy is a JSON object: {error}")))?;
        Fields { members }.into_policy()
    }

    /// The stored body.
    ///
    /// # Errors
    /// None in practice; serialising is fallible by its signature.
    pub fn to_body(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    /// Takes the JSON-valued fields that `is_untouched` names from `old`, byte for byte.
    pub fn keep_bytes(&mut self, old: &Self, is_untouched: impl Fn(&str) -> bool) {
        let fields = [
            ("metadata", &mut self.metadata, &old.metadata),
            ("policy_input_schema", &mut self.policy_input_schema, &old.policy_input_schema),
            ("policy_output_schema", &mut self.policy_output_schema, &old.policy_output_schema),
            (
                "policy_settings_schema",
                &mut self.policy_settings_schema,
                &old.policy_settings_schema,
            ),
            (
                "policy_parameters_schema",
                &mut self.policy_parameters_schema,
                &old.policy_parameters_schema,
            ),
            ("policy_settings", &mut self.policy_settings, &old.policy_settings),
            ("policy_parameters", &mut self.policy_parameters, &old.policy_parameters),
            (
                "management_commands_schema",
                &mut self.management_commands_schema,
                &old.management_commands_schema,
            ),
        ];
        for (name, mine, theirs) in fields {
            if is_untouched(name) {
                mine.clone_from(theirs);
            }
        }
        if is_untouched("functionality_data") {
            self.functionality_data.clone_from(&old.functionality_data);
        }
        if is_untouched("resource_estimates") {
            self.resource_estimates.clone_from(&old.resource_estimates);
        }
    }

    /// Which engine runs the code.
    ///
    /// # Errors
    /// A `code_type` that no engine runs.
    pub fn language(&self) -> Result<Language, Error> {
        Language::choose(self.code_type.as_deref(), &self.policy_type).map_err(|unknown| {
            let known: Vec<_> = Language::ALL.iter().map(|l| format!("`{l}`")).collect();
            Error::invalid(format!(
                "`{unknown}` is no policy language; there are {}",
                known.join(", ")
            ))
            .at("/code_type")
        })
    }
}

/// An object's members in order, their values as text.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct Fields {
    members: Vec<(String, Box<RawValue>)>,
}

impl Fields {
    fn into_policy(self) -> Result<PolicyRule, Error> {
        self.refuse_unknown_and_repeated()?;
        let missing: Vec<_> = REQUIRED
            .iter()
            .filter(|field| !self.members.iter().any(|(name, _)| name == *field))
            .map(|field| format!("`{field}`"))
            .collect();
        if let Some(first) = missing.first() {
            let location = format!("/{}", first.trim_matches('`'));
            return Err(
                Error::invalid(format!("the policy lacks {}", missing.join(", "))).at(location)
            );
        }
        let name = self.text("name")?;
        let version = self.text("version")?;
        let release_tag = self.text("release_tag")?;
        let uri = PolicyUri::derive(&name, &version, &release_tag)
            .map_err(|error| Error::invalid(error.to_string()).at(format!("/{}", error.field())))?;
        Ok(PolicyRule {
            policy_rule_uri: uri,
            name,
            version,
            release_tag,
            metadata: self.object("metadata")?,
            tags: self.text("tags")?,
            code: self.text("code")?,
            policy_type: self.text("type")?,
            policy_input_schema: self.object("policy_input_schema")?,
            policy_output_schema: self.object("policy_output_schema")?,
            policy_settings_schema: self.object("policy_settings_schema")?,
            policy_parameters_schema: self.object("policy_parameters_schema")?,
            policy_settings: self.object("policy_settings")?,
            policy_parameters: self.object("policy_parameters")?,
            management_commands_schema: self.array("management_commands_schema")?,
            description: self.text("description")?,
            code_type: self.optional_text("code_type")?,
            functionality_data: self.optional_object("functionality_data")?,
            resource_estimates: self.optional_object("resource_estimates")?,
        })
    }

    fn refuse_unknown_and_repeated(&self) -> Result<(), Error> {
        for (position, (name, _)) in self.members.iter().enumerate() {
            let location = format!("/{name}");
            if !FIELDS.contains(&name.as_str()) {
                let known = FIELDS.map(|field| format!("`{field}`")).join(", ");
                return Err(Error::invalid(format!(
                    "`{name}` is no field of a policy; there are {known}"
                ))
                .at(location));
            }
            if self.members.iter().take(position).any(|(earlier, _)| earlier == name) {
                return Err(Error::invalid(format!("`{name}` is given twice")).at(location));
            }
        }
        Ok(())
    }

    /// The member, unless it is absent or `null`.
    fn optional(&self, field: &str) -> Option<&RawValue> {
        let (_, raw) = self.members.iter().find(|(name, _)| name == field)?;
        (raw.get() != "null").then_some(raw)
    }

    fn text(&self, field: &str) -> Result<String, Error> {
        match self.optional(field) {
            None if REQUIRED.contains(&field) => Err(wrong_type(field, "a string")),
            None => Ok(String::new()),
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| wrong_type(field, "a string")),
        }
    }

    fn optional_text(&self, field: &str) -> Result<Option<String>, Error> {
        self.optional(field).map(|_| self.text(field)).transpose()
    }

    fn optional_object(&self, field: &str) -> Result<Option<RawJson>, Error> {
        self.optional(field).map(|_| self.object(field)).transpose()
    }

    fn object(&self, field: &str) -> Result<RawJson, Error> {
        self.container(field, '{', "{}", "an object")
    }

    fn array(&self, field: &str) -> Result<RawJson, Error> {
        self.container(field, '[', "[]", "an array")
    }

    fn container(
        &self,
        field: &str,
        opens: char,
        empty: &str,
        expected: &str,
    ) -> Result<RawJson, Error> {
        let text = self.optional(field).map_or(empty, RawValue::get);
        if !text.starts_with(opens) {
            return Err(wrong_type(field, expected));
        }
        RawJson::parse(text).map_err(Error::internal)
    }
}

fn wrong_type(field: &str, expected: &str) -> Error {
    Error::invalid(format!("`{field}` is {expected}")).at(format!("/{field}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"name":"a","version":"1.0","release_tag":"beta","code":"x"}"#;

    #[test]
    fn a_stored_body_reads_back_to_the_same_bytes() {
        let text = r#"{"name":"a","version":"1.0","release_tag":"beta","code":"x","policy_parameters":{ "z": 1.0, "a": 1e400 },"management_commands_schema":[{"name":"m"}],"code_type":"python"}"#;
        let body = PolicyRule::from_json(text).unwrap().to_body().unwrap();
        assert!(body.contains(r#"{ "z": 1.0, "a": 1e400 }"#), "{body}");
        assert_eq!(PolicyRule::from_json(&body).unwrap().to_body().unwrap(), body);
    }

    #[test]
    fn the_uri_is_derived_whatever_the_document_says() {
        let text = SMALL.replacen('{', r#"{"policy_rule_uri":"other:9-x","#, 1);
        assert_eq!(PolicyRule::from_json(&text).unwrap().policy_rule_uri.to_string(), "a:1.0-beta");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let cases = [
            (SMALL.replace("\"code\":\"x\"", "\"tags\":\"x\""), "/code", "lacks `code`"),
            (SMALL.replace("\"code\":\"x\"", "\"code\":1"), "/code", "a string"),
            (
                SMALL.replace("\"code\":\"x\"", "\"code\":\"x\",\"metadata\":[]"),
                "/metadata",
                "an object",
            ),
            (
                SMALL.replace("\"code\":\"x\"", "\"code\":\"x\",\"metdata\":{}"),
                "/metdata",
                "no field",
            ),
            (SMALL.replace("\"code\":\"x\"", "\"code\":\"x\",\"code\":\"y\""), "/code", "twice"),
            (SMALL.replace("1.0", "1-0"), "/version", "holds `-`"),
        ];
        for (text, location, message) in cases {
            let error = PolicyRule::from_json(&text).unwrap_err();
            assert_eq!(error.location.as_deref(), Some(location), "{text}");
            assert!(error.message.contains(message), "{}", error.message);
        }
        for text in
            ["[]", "{\"a\":NaN}", "{\"a\":1,}", &format!("{{\"metadata\":{}", "[".repeat(10_000))]
        {
            assert_eq!(PolicyRule::from_json(text).unwrap_err().kind, ErrorKind::InvalidRequest);
        }
    }
}
