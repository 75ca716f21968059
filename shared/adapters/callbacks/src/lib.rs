//! Callbacks: validation of their URLs, signatures, and delivery over HTTP.
//!
//! Submitters of jobs provide the URL, so it is untrusted input, and requests to it must not reach
//! internal networks (server-side request forgery). [`CallbackUrl`] validates it at submission.
//! [`Sender`] validates the addresses that its host name resolves to with each request, and
//! connects only to those. An operator permits private networks by an [`Allowlist`]. A [`Message`] is
//! signed by the Standard Webhooks specification, and [`retry_delay`] is the retry schedule.

mod address;
mod allowlist;
mod backoff;
mod host;
mod message;
mod own_listener;
mod resolver;
mod secret;
mod send_error;
mod sender;
mod url;
mod webhook_client;

pub use address::ReservedRange;
pub use allowlist::{Allowlist, AllowlistError};
pub use backoff::{ATTEMPTS_MAX, DELAY_MAX, FIRST_DELAY_MAX, retry_delay};
pub use host::HostError;
pub use message::{
    BODY_BYTES_MAX, Headers, ID_BYTES_MAX, ID_HEADER, Message, MessageError, SECRETS_MAX,
    SIGNATURE_HEADER, TIMESTAMP_HEADER, TOLERANCE_S, VerifyError, verify,
};
pub use resolver::{Lookup, SystemLookup};
pub use secret::{Secret, SecretError};
pub use send_error::{Acknowledgement, FailureReason, SendError};
pub use sender::{Sender, Timeouts};
pub use url::{CallbackUrl, CallbackUrlError, URL_BYTES_MAX};
pub use webhook_client::WebhookClient;
