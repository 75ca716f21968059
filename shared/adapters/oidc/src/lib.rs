//! An OpenID provider's public keys: found, fetched, kept and renewed.
//!
//! [`Settings`] are what an operator says; [`Settings::issuer`] makes of them the issuer that
//! `writ-authz` believes, with its keys behind [`JwksCache`]. Nothing is fetched before the first JWT
//! comes. What a caller sends never decides what is fetched.

mod endpoint;
mod error;
mod jwks_cache;
mod provider;
mod settings;

pub use endpoint::Endpoint;
pub use error::{FetchError, SettingsError};
pub use jwks_cache::{JwksCache, Source};
pub use provider::Provider;
pub use settings::Settings;
