//! The region, the credentials and the endpoints of a Lambda function, read from its environment
//! variables.

/// Region, credentials and endpoints (AWS Lambda Developer Guide, "Defined runtime environment
/// variables"). An endpoint comes from the variable of its service, `AWS_ENDPOINT_URL_...`, else
/// from `AWS_ENDPOINT_URL`; without both, the SDK uses AWS's own.
#[derive(Clone, PartialEq, Eq)]
pub struct Environment {
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
    /// The endpoint of DynamoDB if it is not AWS's own, as that of an emulator.
    pub(crate) dynamodb_endpoint: Option<String>,
    /// The endpoint of SQS if it is not AWS's own.
    sqs_endpoint: Option<String>,
    /// The endpoint of EventBridge Scheduler if it is not AWS's own.
    scheduler_endpoint: Option<String>,
}

/// A variable that AWS Lambda sets for every function is missing or empty.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the environment variable `{name}` is missing; AWS Lambda sets it for every function")]
pub struct EnvironmentError {
    name: &'static str,
}

impl Environment {
    /// Reads the variables through `variable`, which returns the value of a name. An empty value
    /// counts as missing.
    ///
    /// # Errors
    /// Names the first required variable that is missing or empty.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        let optional = |name| variable(name).filter(|value| !value.is_empty());
        let required = |name| optional(name).ok_or(EnvironmentError { name });
        let endpoint = |name| optional(name).or_else(|| optional("AWS_ENDPOINT_URL"));
        Ok(Self {
            region: required("AWS_REGION")?,
            access_key_id: required("AWS_ACCESS_KEY_ID")?,
            secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
            session_token: optional("AWS_SESSION_TOKEN"),
            dynamodb_endpoint: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            sqs_endpoint: endpoint("AWS_ENDPOINT_URL_SQS"),
            scheduler_endpoint: endpoint("AWS_ENDPOINT_URL_SCHEDULER"),
        })
    }

    /// The endpoint of SQS if it is not AWS's own, as that of an emulator.
    #[must_use]
    pub fn sqs_endpoint(&self) -> Option<&str> {
        self.sqs_endpoint.as_deref()
    }

    /// The endpoint of EventBridge Scheduler if it is not AWS's own, as that of an emulator.
    #[must_use]
    pub fn scheduler_endpoint(&self) -> Option<&str> {
        self.scheduler_endpoint.as_deref()
    }

    /// The URL of DynamoDB in this region, or of the configured endpoint.
    pub(crate) fn dynamodb_url(&self) -> String {
        self.dynamodb_endpoint.clone().unwrap_or_else(|| {
            let china = if self.region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://dynamodb.{}.amazonaws.com{china}/", self.region)
        })
    }
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Environment");
        debug.field("region", &self.region);
        debug.field("dynamodb_endpoint", &self.dynamodb_endpoint);
        debug.field("sqs_endpoint", &self.sqs_endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Environment, EnvironmentError> {
        Environment::read(|name| {
            let pair = pairs.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| (*value).to_owned())
        })
    }

    const LAMBDA: [(&str, &str); 4] = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKID"),
        ("AWS_SECRET_ACCESS_KEY", "very-secret"),
        ("AWS_SESSION_TOKEN", "session"),
    ];

    #[test]
    fn a_functions_variables_say_where_it_is() {
        let environment = read(&LAMBDA).unwrap();
        assert_eq!(environment.dynamodb_url(), "https://dynamodb.eu-central-1.amazonaws.com/");
        let debug = format!("{environment:?}");
        assert!(!debug.contains("secret") && !debug.contains("session"), "{debug}");
    }

    #[test]
    fn the_services_own_endpoint_comes_before_the_one_of_all() {
        let all = ("AWS_ENDPOINT_URL", "http://127.0.0.1:4566");
        let tables = ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8000");
        let queues = ("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9324");
        for (more, dynamodb, sqs) in [
            (vec![all], all.1, all.1),
            (vec![all, tables], tables.1, all.1),
            (vec![all, queues], all.1, queues.1),
            (vec![all, (tables.0, ""), (queues.0, "")], all.1, all.1),
        ] {
            let environment = read(&[&LAMBDA[..], &more].concat()).unwrap();
            assert_eq!(environment.dynamodb_url(), dynamodb);
            assert_eq!(environment.sqs_endpoint.as_deref(), Some(sqs));
        }
    }

    #[test]
    fn a_missing_variable_is_named() {
        for (name, _) in &LAMBDA[..3] {
            let without: Vec<_> = LAMBDA.into_iter().filter(|(known, _)| known != name).collect();
            assert_eq!(read(&without), Err(EnvironmentError { name }));
        }
    }
}
