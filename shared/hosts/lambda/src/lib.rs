//! A Lambda function's way from an event to its answer.
//!
//! A program calls [`serve()`] with its routes and how its ports are made; `_HANDLER` picks the
//! route. What the gateway's authorizer decided comes with the event as a [`Decision`]. Functions
//! that answer no HTTP request ([`run()`]) share the loop, the log and the start.

mod answer;
mod decision;
mod event;
mod function;
mod log;
mod metrics;
mod run;
mod scheduling_outbound;
mod serve;

pub use decision::{Decided, Decision};
pub use function::{Function, StartError};
pub use lambda_runtime::{Context, Diagnostic};
pub use run::run;
pub use scheduling_outbound::SchedulingOutbound;
pub use serve::serve;
