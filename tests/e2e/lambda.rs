//! The Invoke operation of the Lambda API, at AWS or at an emulator.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::target::setting;

/// A function that starts for the first time on a slow emulator answers within it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Invokes functions.
pub(crate) struct Lambda {
    agent: ureq::Agent,
    endpoint: String,
    region: String,
    credentials: Credentials,
}

/// What an invocation led to.
#[derive(Debug)]
pub(crate) enum Invoked {
    /// The function's reply.
    Returned(Value),
    /// The function ended with an error, which no caller of a gateway sees.
    Crashed(String),
    /// Lambda did not run it: this status, for this reason.
    Refused(u16, String),
}

impl Lambda {
    /// Reads what AWS's own tools read.
    pub(crate) fn from_env() -> Result<Self, Failed> {
        let region = setting("AWS_REGION")
            .or_else(|| setting("AWS_DEFAULT_REGION"))
            .ok_or("AWS_REGION says where the functions are")?;
        let endpoint = setting("AWS_ENDPOINT_URL_LAMBDA")
            .or_else(|| setting("AWS_ENDPOINT_URL"))
            .unwrap_or_else(|| format!("https://lambda.{region}.amazonaws.com"));
        let key = |name| setting(name).ok_or_else(|| format!("{name} is needed to call functions"));
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
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        Self { agent, endpoint: endpoint.trim_end_matches('/').to_owned(), region, credentials }
    }

    /// Calls a function and waits for its reply.
    pub(crate) fn invoke(&self, function: &str, event: &Value) -> Result<Invoked, Failed> {
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
            return Ok(Invoked::Refused(status, text));
        }
        if is_error {
            return Ok(Invoked::Crashed(text));
        }
        Ok(Invoked::Returned(serde_json::from_str(&text)?))
    }

    /// The headers that prove who calls (Signature Version 4).
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
