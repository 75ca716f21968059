//! Frames: four bytes of length, little-endian, then that many bytes of compact JSON.

use serde::Serialize;

/// The size of a frame's length prefix, in bytes.
pub(crate) const HEADER_BYTES: usize = 4;

/// The largest request, in bytes: a policy of 2 MiB and an input of 6 MiB fit several times over.
pub(crate) const REQUEST_BYTES_MAX: usize = 64 << 20;

/// A buffer larger than this many bytes is not kept from one frame to the next.
pub(crate) const BUFFER_BYTES_KEPT: usize = 256 << 10;

/// Why a message cannot be framed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The message cannot be serialised to JSON.
    #[error("the message has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// The message is longer than the prefix can express, in bytes.
    #[error("the message has {0} bytes, more than a frame holds")]
    TooLarge(usize),
}

/// Replaces the buffer's content by one frame.
pub(crate) fn encode<T: Serialize>(buffer: &mut Vec<u8>, message: &T) -> Result<(), FrameError> {
    buffer.clear();
    buffer.extend_from_slice(&[0; HEADER_BYTES]);
    serde_json::to_writer(&mut *buffer, message)?;
    let payload = buffer.len() - HEADER_BYTES;
    let length = u32::try_from(payload).map_err(|_| FrameError::TooLarge(payload))?;
    if let Some(header) = buffer.first_chunk_mut() {
        *header = length.to_le_bytes();
    }
    Ok(())
}

/// The payload's length in bytes, once the header has been received.
pub(crate) fn payload_length(received: &[u8]) -> Option<usize> {
    let header = received.first_chunk::<HEADER_BYTES>()?;
    usize::try_from(u32::from_le_bytes(*header)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_starts_with_its_length() {
        let mut buffer = b"left over".to_vec();
        encode(&mut buffer, &["a", "b"]).unwrap();
        assert_eq!(payload_length(&buffer), Some(9));
        assert_eq!(&buffer[HEADER_BYTES..], br#"["a","b"]"#);
    }

    #[test]
    fn half_a_header_gives_no_length() {
        assert_eq!(payload_length(&[1, 2, 3]), None);
        assert_eq!(payload_length(&[255; 4]), Some(u32::MAX as usize));
    }
}
