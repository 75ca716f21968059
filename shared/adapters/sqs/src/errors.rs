//! What SQS's failures mean.

use std::fmt::{Debug, Display};

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use writ_model::{Error, ErrorKind};

/// Seconds after which a busy queue is worth another try.
const RETRY_AFTER_S: u32 = 1;

/// SQS's error codes for "not now" (Amazon SQS API Reference, "Common Errors").
const BUSY: [&str; 5] =
    ["InternalFailure", "KmsThrottled", "OverLimit", "RequestThrottled", "ThrottlingException"];

/// The error for the caller and the log.
pub(crate) fn failed<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + Debug + std::error::Error + Send + Sync + 'static,
{
    let log = DisplayErrorContext(&error).to_string();
    let is_busy = match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => true,
        SdkError::ResponseError(response) => response.raw().status().is_server_error(),
        SdkError::ServiceError(service) => {
            BUSY.contains(&service.err().code().unwrap_or_default())
                || service.raw().status().is_server_error()
        }
        _ => false,
    };
    if is_busy { unavailable(log) } else { Error::internal(log) }
}

/// The queue cannot take this now.
pub(crate) fn unavailable(log: impl Display) -> Error {
    Error::new(ErrorKind::Unavailable, "the queue is busy or out of reach; try again in a second")
        .retry_after(RETRY_AFTER_S)
        .log(log)
}
