//! Callbacks: validation of their URLs, signatures, and delivery over HTTP.
//!
//! Submitters of jobs provide the URL, so it is untrusted input, and requests to it must not reach
//! internal networks (server-side request forgery). [`CallbackUrl`] validates it at submission.
//! [`Sender`] validates the addresses that its host name resolves to with each request, and
//! connects only to those. An operator permits private networks by an [`Allowed`]. A [`Message`] is
//! signed by the Standard Webhooks specification, and [`next_try`] is the retry schedule.

mod address;
mod allowed;
mod backoff;
mod failure;
mod host;
mod message;
mod resolver;
mod secret;
mod secret_rotation;
mod sender;
mod url;
mod webhook_client;

pub use address::Reserved;
pub use allowed::{Allowed, AllowedError};
pub use backoff::{FIRST_WAIT_MAX, TRIES_MAX, WAIT_MAX, next_try};
pub use failure::{Delivered, Reason, SendFailure};
pub use host::HostError;
pub use message::{
    BODY_BYTES_MAX, Headers, ID_BYTES_MAX, ID_HEADER, Message, MessageError, SECRETS_MAX,
    SIGNATURE_HEADER, TIMESTAMP_HEADER, TOLERANCE_S, VerifyError, verify,
};
pub use resolver::{Lookup, SystemLookup};
pub use secret::{Secret, SecretError};
pub use secret_rotation::{current, rotate};
pub use sender::{Sender, Timeouts};
pub use url::{CallbackUrl, CallbackUrlError, URL_BYTES_MAX};
pub use webhook_client::WebhookClient;
