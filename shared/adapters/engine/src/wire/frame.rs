//! Frames: four bytes of length, little-endian, then that many bytes of compact JSON.

use serde::Serialize;

/// The length's bytes.
pub(crate) const HEADER_BYTES: usize = 4;

/// The largest order: a policy of 2 MiB and a request of 6 MiB fit several times over.
pub(crate) const ORDER_BYTES_MAX: usize = 64 << 20;

/// A buffer larger than this is not kept from one frame to the next.
pub(crate) const BUFFER_BYTES_KEPT: usize = 256 << 10;

/// Why a message became no frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unframed {
    /// It has no JSON form.
    #[error("the message has no JSON form: {0}")]
    Json(#[from] serde_json::Error),
    /// It is larger than a length can say.
    #[error("the message has {0} bytes, more than a frame holds")]
    TooLarge(usize),
}

/// Replaces the buffer's content by one frame.
pub(crate) fn encode<T: Serialize>(buffer: &mut Vec<u8>, message: &T) -> Result<(), Unframed> {
    buffer.clear();
    buffer.extend_from_slice(&[0; HEADER_BYTES]);
    serde_json::to_writer(&mut *buffer, message)?;
    let payload = buffer.len() - HEADER_BYTES;
    let length = u32::try_from(payload).map_err(|_| Unframed::TooLarge(payload))?;
    if let Some(header) = buffer.first_chunk_mut() {
        *header = length.to_le_bytes();
    }
    Ok(())
}

/// The payload's length, once the header is there.
pub(crate) fn announced(received: &[u8]) -> Option<usize> {
    let header = received.first_chunk::<HEADER_BYTES>()?;
    usize::try_from(u32::from_le_bytes(*header)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_says_how_long_it_is() {
        let mut buffer = b"left over".to_vec();
        encode(&mut buffer, &["a", "b"]).unwrap();
        assert_eq!(announced(&buffer), Some(9));
        assert_eq!(&buffer[HEADER_BYTES..], br#"["a","b"]"#);
    }

    #[test]
    fn half_a_header_announces_nothing() {
        assert_eq!(announced(&[1, 2, 3]), None);
        assert_eq!(announced(&[255; 4]), Some(u32::MAX as usize));
    }
}
