//! The HTTP boundary, without a server: requests and replies, problem documents, the route table.
//!
//! A host (the embedded gateway, a Lambda function) turns its own event into a [`Request`], lets
//! [`serve()`] answer, and turns the [`Reply`] back.

mod docs_page;
mod idempotency;
mod listing;
mod openapi;
mod outcome;
mod panic;
pub mod path;
mod precondition;
mod problem;
mod reply;
mod request;
mod route;
mod serve;

pub use idempotency::IdempotencyPorts;
pub use listing::{LIMIT_DEFAULT, LIMIT_MAX, ListParams, PAGE_PARAMS, QUERY_PARAMS};
pub use openapi::{openapi, openapi_text, undefined_names};
pub use precondition::Precondition;
pub use problem::{status_of, title_of};
pub use reply::Reply;
pub use request::{Caller, ON_BEHALF_OF, Request};
pub use route::{AccessLevel, BoxFuture, Dialect, Handler, HandlerFuture, Param, Route, RouteSpec};
pub use serve::{REQUEST_BYTES_MAX, out_of_time, serve, too_large};
