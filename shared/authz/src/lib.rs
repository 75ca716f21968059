//! Who is calling, and what they may do.
//!
//! [`authenticate`] turns an `Authorization` header into an identity; [`Authorizer`] decides by the
//! platform's own Cedar policy (`policy.cedar` in this room) and names the rule that decided;
//! [`mint`] makes tokens.

mod authenticate;
mod authorizer;
mod policy;
mod token;

pub use authenticate::authenticate;
pub use authorizer::{Authorizer, Rule};
pub use policy::{DEFAULT_DENY, OWN_WORKSPACE, PolicyError};
pub use token::{EXPIRES_IN_SECONDS_MAX, LOCAL_ADMIN, TokenText, mint};
