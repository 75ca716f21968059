//! Authentication and authorization of callers.
//!
//! [`authenticate`] maps an `Authorization` header to an identity, by an opaque token or by a JWT
//! of an [`Issuer`]. [`Authorizer`] makes decisions by the platform's own Cedar policy
//! (`policy.cedar` in this crate) and names the rule that decided. [`mint`] creates tokens.

mod authenticate;
mod authorizer;
mod claims;
mod issuer;
mod jwt;
mod policy;
mod signature;
mod token;

pub use authenticate::{Principal, authenticate};
pub use authorizer::{Authorizer, Rule};
pub use claims::JWT_CLAIMS;
pub use issuer::{NO_ISSUER, NoKeys};
pub use jwt::JWT_BYTES_MAX;
pub use policy::{DEFAULT_DENY, OWN_WORKSPACE, PolicyError};
pub use token::{EXPIRES_IN_SECONDS_MAX, LOCAL_ADMIN, TokenText, mint, mint_with_id, token_id};
pub use writ_ports::{Issuer, ROLE_CLAIM, WORKSPACE_CLAIM};
