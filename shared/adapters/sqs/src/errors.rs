//! Maps the errors of SQS to those of the platform.

use std::fmt::{Debug, Display};

use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use writ_model::{Error, ErrorKind};

/// Seconds after which a caller may retry on a busy queue.
const RETRY_AFTER_S: u32 = 1;

/// SQS's error codes for temporary failures (Amazon SQS API Reference, "Common Errors").
const BUSY: [&str; 5] =
    ["InternalFailure", "KmsThrottled", "OverLimit", "RequestThrottled", "ThrottlingException"];

/// Converts an SDK error: retryable ones become [`ErrorKind::Unavailable`], all others internal
/// errors. The SDK's message goes to the log alone.
pub(crate) fn queue_error<E>(error: SdkError<E, HttpResponse>) -> Error
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

/// The error of a queue that is busy or out of reach.
pub(crate) fn unavailable(log: impl Display) -> Error {
    Error::new(ErrorKind::Unavailable, "the queue is busy or out of reach; try again in a second")
        .retry_after(RETRY_AFTER_S)
        .log(log)
}
