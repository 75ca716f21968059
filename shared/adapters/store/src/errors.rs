//! Maps the errors of DynamoDB to those of the platform. Only this module and the checks for failed
//! conditions read the SDK's errors.

use std::fmt::Debug;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use writ_model::{Error, ErrorKind};

/// Seconds after which a caller may retry on a busy store.
const RETRY_AFTER_S: u32 = 1;

/// DynamoDB's error codes for temporary failures (its developer guide, "Error handling").
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

/// Part of the message of the `ValidationException` by which DynamoDB refuses an item over 400 KB.
const ITEM_TOO_LARGE: &str = "Item size";

/// Converts an SDK error: retryable ones become [`ErrorKind::Unavailable`], an item over the limit
/// [`ErrorKind::TooLarge`], all others internal errors. The SDK's message goes to the log alone.
pub(crate) fn store_error<E>(error: SdkError<E, HttpResponse>) -> Error
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

/// The error of a store that is busy or out of reach.
pub(crate) fn unavailable(log: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, "the store is busy or out of reach; try again in a second")
        .retry_after(RETRY_AFTER_S)
        .log(log)
}

/// The error of an item that would be over DynamoDB's limit.
pub(crate) fn too_large(log: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::TooLarge, "a part of this object is larger than the store can keep")
        .log(log)
}
