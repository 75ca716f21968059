//! The public keys of an OpenID provider: discovery, fetch and cache.
//!
//! [`Settings`] are the configuration of the operator. [`Settings::issuer`] creates the issuer that
//! `writ-authz` trusts, with its keys behind a [`JwksCache`]. Nothing is fetched before the first
//! JWT arrives. Requests never decide what is fetched.

mod endpoint;
mod error;
mod jwks_cache;
mod provider;
mod settings;

pub use endpoint::Endpoint;
pub use error::{FetchError, SettingsError};
pub use jwks_cache::{JwksCache, KeySource};
pub use provider::Provider;
pub use settings::Settings;
