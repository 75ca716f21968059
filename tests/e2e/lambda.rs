//! The Invoke operation of the Lambda API, at AWS or at an emulator.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::target::setting;

/// Bound of an invocation: long enough for a cold start on a slow emulator.
const INVOKE_TIMEOUT: Duration = Duration::from_secs(60);

/// A client of the Lambda API.
pub(crate) struct Lambda {
    agent: ureq::Agent,
    endpoint: String,
    region: String,
    credentials: Credentials,
}

/// The result of an invocation.
#[derive(Debug)]
pub(crate) enum InvokeResult {
    /// The payload that the function returned.
    Payload(Value),
    /// The error of the function, which API Gateway does not pass on to its caller.
    FunctionError(String),
    /// Lambda did not run the function: status and body of its response.
    InvokeError(u16, String),
}

impl Lambda {
    /// Reads the environment variables of AWS's tools.
    pub(crate) fn from_env() -> Result<Self, Failed> {
        let region = setting("AWS_REGION")
            .or_else(|| setting("AWS_DEFAULT_REGION"))
            .ok_or("AWS_REGION is required")?;
        let endpoint = setting("AWS_ENDPOINT_URL_LAMBDA")
            .or_else(|| setting("AWS_ENDPOINT_URL"))
            .unwrap_or_else(|| format!("https://lambda.{region}.amazonaws.com"));
        let key =
            |name| setting(name).ok_or_else(|| format!("{name} is required to invoke functions"));
        let mut credentials = Credentials::builder()
            .access_key_id(key("AWS_ACCESS_KEY_ID")?)
            .secret_access_key(key("AWS_SECRET_ACCESS_KEY")?)
            .provider_name("environment");
        credentials.set_session_token(setting("AWS_SESSION_TOKEN"));
        Ok(Self::at(&endpoint, region, credentials.build()))
    }

    /// The Lambda API at `endpoint`.
    pub(crate) fn at(endpoint: &str, region: String, credentials: Credentials) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(INVOKE_TIMEOUT))
            .build()
            .into();
        Self { agent, endpoint: endpoint.trim_end_matches('/').to_owned(), region, credentials }
    }

    /// Invokes a function and waits for its result.
    pub(crate) fn invoke(&self, function: &str, event: &Value) -> Result<InvokeResult, Failed> {
        let uri = format!("{}/2015-03-31/functions/{function}/invocations", self.endpoint);
        let body = event.to_string();
        let mut request = ureq::http::Request::builder().method("POST").uri(&uri);
        for (name, value) in self.signature(&uri, body.as_bytes())? {
            request = request.header(name, value);
        }
        let mut reply = self.agent.run(request.body(body)?)?;
        let status = reply.status().as_u16();
        let is_error = reply.headers().contains_key("x-amz-function-error");
        let text = reply.body_mut().with_config().limit(64 << 20).read_to_string()?;
        if !(200..300).contains(&status) {
            return Ok(InvokeResult::InvokeError(status, text));
        }
        if is_error {
            return Ok(InvokeResult::FunctionError(text));
        }
        Ok(InvokeResult::Payload(serde_json::from_str(&text)?))
    }

    /// The headers that sign the request (Signature Version 4).
    fn signature(&self, uri: &str, body: &[u8]) -> Result<Vec<(String, String)>, Failed> {
        let identity = self.credentials.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("lambda")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let request =
            SignableRequest::new("POST", uri, std::iter::empty(), SignableBody::Bytes(body))?;
        let (instructions, _) = sign(request, &params)?.into_parts();
        Ok(instructions
            .headers()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect())
    }
}
