//! Reads a request's body within bounds of size and time.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout, timeout_at};
use writ_edge::{REQUEST_BYTES_MAX, too_large};
use writ_model::Error;

use super::bounds::LARGE_BODY_BYTES;

/// Time and bytes for which a refused body is still read, so that the client sees the response
/// instead of a broken connection.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 16 << 20;

/// The reason why a body could not be read.
pub(super) enum BodyError {
    /// The body is too large, or the connection broke.
    Invalid(Error),
    /// The body did not arrive in time.
    TimedOut,
}

/// Whether the body may be a large one, by what the request says of it.
pub(super) fn may_be_large(headers: &HeaderMap) -> bool {
    let is_chunked = headers.contains_key(header::TRANSFER_ENCODING);
    is_chunked || declared_bytes(headers).is_some_and(|bytes| bytes > LARGE_BODY_BYTES)
}

fn declared_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads a body of at most [`REQUEST_BYTES_MAX`] bytes, which must be complete by `deadline`.
pub(super) async fn read_body(
    headers: &HeaderMap,
    mut body: Incoming,
    deadline: Instant,
) -> Result<Bytes, BodyError> {
    let declared = declared_bytes(headers);
    if declared.is_some_and(|bytes| bytes > REQUEST_BYTES_MAX) {
        linger(headers, body);
        return Err(BodyError::Invalid(too_large()));
    }
    match timeout_at(deadline, collect(&mut body, declared.unwrap_or_default())).await {
        Err(_) => Err(BodyError::TimedOut),
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            linger(headers, body);
            Err(BodyError::Invalid(too_large()))
        }
        Ok(Err(error)) => Err(BodyError::Invalid(Error::invalid("the body broke off").log(error))),
    }
}

/// Reads the whole body; `None` once it exceeds its bound, however long it is.
async fn collect(body: &mut Incoming, declared: usize) -> Result<Option<Bytes>, hyper::Error> {
    let mut bytes = Vec::with_capacity(declared);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if bytes.len() + data.len() > REQUEST_BYTES_MAX {
            return Ok(None);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(Some(bytes.into()))
}

/// Reads and discards the rest of a body for a while, concurrently with the response. A client that
/// waits for `100 Continue` sends nothing after a refusal.
pub(super) fn linger(headers: &HeaderMap, mut body: Incoming) {
    if body.is_end_stream() || headers.contains_key(header::EXPECT) {
        return;
    }
    tokio::spawn(async move {
        let mut left = LINGER_BYTES_MAX;
        let discard = async {
            while let Some(Ok(frame)) = body.frame().await {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(bytes) {
                    Some(rest) => left = rest,
                    None => break,
                }
            }
        };
        let _ = timeout(LINGER, discard).await;
    });
}
