//! Policy rules: code, schemas and stored values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::run::SchemaFormats;
use crate::{Error, ErrorKind, Language, PolicyUri, RawJson};

/// The largest stored policy, in bytes of JSON.
pub const BODY_BYTES_MAX: usize = 2 << 20;

/// A policy as its author wrote it. The registry defines the names of the fields and their order;
/// JSON-valued fields keep their original bytes.
///
/// Its serialised form is the stored body. The SHA-256 of that is the revision's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyRule {
    /// The URI, `{name}:{version}-{release_tag}`, always derived from its parts.
    pub policy_rule_uri: PolicyUri,
    /// The name, the first part of the URI.
    pub name: String,
    /// The version, the second part of the URI.
    pub version: String,
    /// The release tag, the third part of the URI.
    pub release_tag: String,
    /// Free-form metadata; the platform interprets `pack`, `mask` and other members.
    pub metadata: RawJson,
    /// The tags, separated by commas.
    pub tags: String,
    /// The source code of the policy.
    pub code: String,
    /// A free-form type, such as `python_class_v1`; selects the language where `code_type` is
    /// absent.
    #[serde(rename = "type")]
    pub policy_type: String,
    /// The schema of the input.
    pub policy_input_schema: RawJson,
    /// The schema of the output.
    pub policy_output_schema: RawJson,
    /// The schema of the settings.
    pub policy_settings_schema: RawJson,
    /// The schema of the merged parameters.
    pub policy_parameters_schema: RawJson,
    /// The settings, fixed when the policy is registered.
    pub policy_settings: RawJson,
    /// The default parameters, overridden member by member (not recursively) by a caller's.
    pub policy_parameters: RawJson,
    /// The management commands: an array of objects with `name`, `description` and `schema`.
    pub management_commands_schema: RawJson,
    /// A description for the users of the policy.
    pub description: String,
    /// The language of the code; see [`Language::choose`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_type: Option<String>,
    /// Options of the language, such as `query` for Rego.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub functionality_data: Option<RawJson>,
    /// Resource estimates for allocators; the platform stores them only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_estimates: Option<RawJson>,
    /// What `format` does in the schemas. Revisions from before this field existed have none, and
    /// annotate; see [`PolicyRule::settle_schema_formats`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_formats: Option<SchemaFormats>,
}

const REQUIRED: [&str; 4] = ["name", "version", "release_tag", "code"];
const FIELDS: [&str; 20] = [
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
    "schema_formats",
];

impl PolicyRule {
    /// Parses a policy from a JSON document. A `policy_rule_uri` in it is ignored: the URI is
    /// always derived. Schemas and code are not checked.
    ///
    /// # Errors
    /// Returns an error with the location where the JSON is malformed, a field is unknown, missing,
    /// repeated or of the wrong type, or a part is invalid in a URI.
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
        // Parse once as a tree, which bounds the nesting, and once more for the bytes.
        serde_json::from_str::<IgnoredAny>(text)
            .and_then(|_| serde_json::from_str::<serde_json::Value>(text))
            .map_err(|error| Error::invalid(format!("the policy is not valid JSON: {error}")))?;
        let Members(members) = serde_json::from_str(text)
            .map_err(|error| Error::invalid(format!("a policy is a JSON object: {error}")))?;
        Fields { members }.into_policy()
    }

    /// Serialises the policy to its stored body.
    ///
    /// # Errors
    /// Never fails in practice; the signature of the serialiser is fallible.
    pub fn to_body(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(Error::internal)
    }

    /// Returns the code where it is the place of an archive or a file instead of a program: a URL, a
    /// path, or one word that ends as the name of such a file does.
    #[must_use]
    pub fn code_location(&self) -> Option<&str> {
        const STARTS: [&str; 6] = ["http://", "https://", "file://", "/", "./", "../"];
        const ENDS: [&str; 5] = [".zip", ".tar.gz", ".tgz", ".tar.xz", ".py"];
        let code = self.code.trim();
        let is_python = self.language().is_ok_and(|language| language == Language::Python);
        // In another language, `input.zip` is an expression.
        let is_place = STARTS.iter().any(|start| code.starts_with(start))
            || (is_python && ENDS.iter().any(|end| code.ends_with(end)));
        (is_place && !code.contains(char::is_whitespace)).then_some(code)
    }

    /// Copies the JSON-valued fields for which `is_unchanged` is true from `old`, byte for byte.
    pub fn copy_raw_json(&mut self, old: &Self, is_unchanged: impl Fn(&str) -> bool) {
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
        for (name, target, source) in fields {
            if is_unchanged(name) {
                target.clone_from(source);
            }
        }
        if is_unchanged("functionality_data") {
            self.functionality_data.clone_from(&old.functionality_data);
        }
        if is_unchanged("resource_estimates") {
            self.resource_estimates.clone_from(&old.resource_estimates);
        }
    }

    /// Writes down what `format` does in the schemas of a policy that is registered now, where a
    /// schema has a `format` and the policy does not say: it asserts. So a revision says which rule it
    /// has, and one from before keeps its own.
    pub fn settle_schema_formats(&mut self) {
        let schemas = [
            &self.policy_input_schema,
            &self.policy_output_schema,
            &self.policy_settings_schema,
            &self.policy_parameters_schema,
            &self.management_commands_schema,
        ];
        if self.schema_formats.is_none() && schemas.iter().any(|it| has_format(&it.value())) {
            self.schema_formats = Some(SchemaFormats::Assert);
        }
    }

    /// Returns the language of the code.
    ///
    /// # Errors
    /// Returns an error where no engine runs the `code_type`.
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

/// A stored body with every field of a policy: those that its author left out have their defaults.
/// Clients of other implementations expect each of them.
///
/// # Errors
/// The body is no stored policy.
pub fn with_defaults(body: &str) -> Result<Cow<'_, str>, Error> {
    #[derive(Deserialize)]
    struct Optional<'a> {
        #[serde(rename = "type", borrow)]
        policy_type: Cow<'a, str>,
        code_type: Option<IgnoredAny>,
        functionality_data: Option<IgnoredAny>,
        resource_estimates: Option<IgnoredAny>,
    }
    let given: Optional<'_> = serde_json::from_str(body).map_err(Error::internal)?;
    let mut more = String::new();
    if given.code_type.is_none() {
        // Whatever a type says, a policy without `code_type` has a language.
        let language = Language::choose(None, &given.policy_type).unwrap_or(Language::Python);
        more.push_str(&format!(r#","code_type":"{language}""#));
    }
    for (name, field) in [
        ("functionality_data", given.functionality_data),
        ("resource_estimates", given.resource_estimates),
    ] {
        if field.is_none() {
            more.push_str(&format!(r#","{name}":{{}}"#));
        }
    }
    if more.is_empty() {
        return Ok(Cow::Borrowed(body));
    }
    let members = body.trim_end().strip_suffix('}');
    let members = members.ok_or_else(|| Error::internal("a stored policy is an object"))?;
    Ok(Cow::Owned(format!("{members}{more}}}")))
}

/// Whether a member `format` with a text stands anywhere in a value.
fn has_format(value: &Value) -> bool {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) if members.get("format").is_some_and(Value::is_string) => {
                return true;
            }
            Value::Object(members) => open.extend(members.values()),
            _ => {}
        }
    }
    false
}

/// The members of an object in order, with their values as JSON text.
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
        self.check_names()?;
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
            schema_formats: self.schema_formats()?,
        })
    }

    fn check_names(&self) -> Result<(), Error> {
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

    /// Returns the member; `None` where it is absent or `null`.
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

    fn schema_formats(&self) -> Result<Option<SchemaFormats>, Error> {
        let Some(raw) = self.optional("schema_formats") else { return Ok(None) };
        let formats = serde_json::from_str(raw.get())
            .map_err(|_| wrong_type("schema_formats", "`\"assert\"` or `\"annotate\"`"))?;
        Ok(Some(formats))
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
        opening: char,
        empty: &str,
        expected: &str,
    ) -> Result<RawJson, Error> {
        let text = self.optional(field).map_or(empty, RawValue::get);
        if !text.starts_with(opening) {
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
    fn a_body_is_read_with_every_field() {
        let stored = |text: &str| PolicyRule::from_json(text).unwrap().to_body().unwrap();
        let body = stored(SMALL);
        let read = with_defaults(&body).unwrap();
        let added = r#","code_type":"python","functionality_data":{},"resource_estimates":{}}"#;
        assert_eq!(
            read,
            body.replacen("\"description\":\"\"}", &format!("\"description\":\"\"{added}"), 1)
        );
        let mut expected = FIELDS.iter().filter(|field| **field != "schema_formats");
        assert!(expected.all(|field| read.contains(&format!("\"{field}\":"))), "{read}");
        let rego =
            stored(&SMALL.replacen('{', r#"{"type":"rego","resource_estimates":{"a":1},"#, 1));
        let read = with_defaults(&rego).unwrap();
        let end = r#""resource_estimates":{"a":1},"code_type":"rego","functionality_data":{}}"#;
        assert!(read.ends_with(end), "{read}");
        let whole = stored(&read);
        assert_eq!(with_defaults(&whole).unwrap(), whole);
    }

    #[test]
    fn the_place_of_code_is_no_code() {
        let location = |code: &str| {
            let code = serde_json::to_string(code).unwrap();
            let text = SMALL.replacen("\"x\"", &code, 1);
            PolicyRule::from_json(&text).unwrap().code_location().map(str::to_owned)
        };
        let places = [
            "https://example.com/ip.zip",
            "http://example.com/ip",
            "/policies/ip.tar.xz",
            "./ip",
            "../ip/function.py",
            "function.py",
            "ip-1.0.tar.gz\n",
        ];
        for place in places {
            assert_eq!(location(place).as_deref(), Some(place.trim()));
        }
        for code in ["x", "1 / 2", "import a.py\nb", "package p\n", "// comment", "a.zip == b"] {
            assert_eq!(location(code), None, "{code}");
        }
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

    #[test]
    fn a_new_revision_with_a_format_says_that_it_is_asserted() {
        let settled = |members: &str| {
            let text =
                format!(r#"{{"name":"a","version":"1.0","release_tag":"b","code":"x"{members}}}"#);
            let mut policy = PolicyRule::from_json(&text).unwrap();
            policy.settle_schema_formats();
            policy.to_body().unwrap()
        };
        let asserted = r#""schema_formats":"assert""#;
        for (members, says) in [
            (r#","policy_input_schema":{"type":"string","format":"ipv4"}"#, Some(asserted)),
            (r#","policy_output_schema":{"properties":{"a":{"format":"uuid"}}}"#, Some(asserted)),
            (
                r#","management_commands_schema":[{"name":"c","schema":{"anyOf":[{"format":"date"}]}}]"#,
                Some(asserted),
            ),
            (r#","policy_input_schema":{"format":{"type":"string"}}"#, None),
            (r#","policy_input_schema":{"ip":{"type":"string"}}"#, None),
            (
                r#","policy_input_schema":{"format":"ipv4"},"schema_formats":"annotate""#,
                Some(r#""schema_formats":"annotate""#),
            ),
        ] {
            let body = settled(members);
            match says {
                Some(says) => assert!(body.contains(says), "{body}"),
                None => assert!(!body.contains("schema_formats"), "{body}"),
            }
        }
        let wrong =
            r#"{"name":"a","version":"1.0","release_tag":"b","code":"x","schema_formats":true}"#;
        let error = PolicyRule::from_json(wrong).unwrap_err();
        assert_eq!(error.location.as_deref(), Some("/schema_formats"));
    }
}
