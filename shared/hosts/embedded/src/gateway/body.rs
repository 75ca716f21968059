//! Reading a body within bounds.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, timeout, timeout_at};
use writ_edge::{REQUEST_BYTES_MAX, too_large};
use writ_model::Error;

/// A refused body is read on for this long and this far, so that the client sees the refusal
/// instead of a broken connection.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES_MAX: usize = 16 << 20;

/// Why there is no body.
pub(super) enum NoBody {
    /// It is too large or broken.
    Refused(Error),
    /// It did not arrive in time.
    Late,
}

/// Reads a body of at most [`REQUEST_BYTES_MAX`] bytes that is there by `until`.
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Incoming,
    until: Instant,
) -> Result<Bytes, NoBody> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > REQUEST_BYTES_MAX) {
        linger(headers, body);
        return Err(NoBody::Refused(too_large()));
    }
    match timeout_at(until, collect(&mut body, declared.unwrap_or_default())).await {
        Err(_) => Err(NoBody::Late),
        Ok(Ok(Some(whole))) => Ok(whole),
        Ok(Ok(None)) => {
            linger(headers, body);
            Err(NoBody::Refused(too_large()))
        }
        Ok(Err(error)) => Err(NoBody::Refused(Error::invalid("the body broke off").log(error))),
    }
}

/// The whole body; `None` once it is over its bound, however long it goes on.
async fn collect(body: &mut Incoming, declared: usize) -> Result<Option<Bytes>, hyper::Error> {
    let mut whole = Vec::with_capacity(declared);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if whole.len() + data.len() > REQUEST_BYTES_MAX {
            return Ok(None);
        }
        whole.extend_from_slice(&data);
    }
    Ok(Some(whole.into()))
}

/// Reads on for a while what nobody wants, beside the reply. A client that waits for
/// `100 Continue` sends nothing after a refusal.
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
