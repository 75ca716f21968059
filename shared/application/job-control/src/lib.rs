//! What callers do with jobs over ports: submit them, notify the runners and rotate the secrets that
//! callbacks are signed with. Routes, the scheduler and the runners use it alike.

mod notify;
mod secret_rotation;
mod submit;

pub use notify::{notify, notify_all, try_notify, try_notify_each};
pub use secret_rotation::{current_secrets, rotate_secrets};
pub use submit::{submit, validate};
