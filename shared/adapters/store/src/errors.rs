//! What DynamoDB's failures mean. The only place that looks at the SDK's errors.

use std::fmt::Debug;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use writ_model::{Error, ErrorKind};

/// Seconds after which a busy store is worth another try.
const RETRY_AFTER_S: u32 = 1;

/// DynamoDB's error codes for "not now" (its developer guide, "Error handling").
const BUSY: [&str; 8] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "ThrottlingException",
    "TransactionInProgressException",
    "TransactionConflictException",
];

/// DynamoDB refuses items over 400 KB with this in a `ValidationException`.
const ITEM_TOO_LARGE: &str = "Item size";

/// The error for the caller and the log.
pub(crate) fn failed<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + Debug + std::error::Error + Send + Sync + 'static,
{
    let log = DisplayErrorContext(&error).to_string();
    match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => unavailable(log),
        SdkError::ResponseError(response) if response.raw().status().is_server_error() => {
            unavailable(log)
        }
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or_default();
            let message = service.err().message().unwrap_or_default();
            if BUSY.contains(&code) || service.raw().status().is_server_error() {
                unavailable(log)
            } else if code == "ValidationException" && message.contains(ITEM_TOO_LARGE) {
                too_large(log)
            } else {
                Error::internal(log)
            }
        }
        _ => Error::internal(log),
    }
}

/// The store cannot serve this now.
pub(crate) fn unavailable(log: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, "the store is busy or out of reach; try again in a second")
        .retry_after(RETRY_AFTER_S)
        .log(log)
}

/// One item would be over DynamoDB's limit.
pub(crate) fn too_large(log: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::TooLarge, "a part of this object is larger than the store can keep")
        .log(log)
}
