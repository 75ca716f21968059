//! The Lambda host: runs routes and event handlers as Lambda functions.
//!
//! A program calls [`serve()`] with its routes and a function that makes their ports; `_HANDLER`
//! selects the route. The authorizer's decision comes with the event as an [`AuthorizerContext`].
//! Functions that serve no HTTP request call [`run()`], which has the same loop, log and start.

mod authorizer_context;
mod event;
mod function;
mod log;
mod metrics;
mod response;
mod run;
mod scheduling_outbound;
mod serve;

pub use authorizer_context::{AuthorizerContext, Decision};
pub use function::{Function, StartError};
pub use lambda_runtime::{Context, Diagnostic};
pub use run::run;
pub use scheduling_outbound::SchedulingOutbound;
pub use serve::serve;
