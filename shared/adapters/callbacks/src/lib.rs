//! Callbacks: which URLs may be called, how a call is signed, and the call itself.
//!
//! Whoever submits a job may name a URL, so the URL is a stranger's: [`CallbackUrl`] says what may
//! be given, [`Sender`] checks again where its host's name leads and connects to that address and
//! no other. An operator's [`Allowed`] opens networks of his own. A [`Message`] is signed by the
//! Standard Webhooks specification, and [`next_try`] is the plan for those that do not arrive.

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
