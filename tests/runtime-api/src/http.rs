//! The part of HTTP/1.1 that the SDK and the Lambda runtime use: bodies with a `content-length` over
//! persistent connections.

use std::io::{BufRead, Error, ErrorKind, Read, Result, Write};

/// Bound of a request line and of a header; no client here sends longer ones.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// Bound of a body, above the bounds of DynamoDB and Lambda.
const BODY_BYTES_MAX: usize = 16 << 20;

/// A request with its whole body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Header fields, names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// The first value of a header; `name` must be in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Reads the next request; `None` if the peer closed the connection before it.
pub(crate) fn read(stream: &mut impl BufRead) -> Result<Option<Request>> {
    let Some(first) = line(stream)? else { return Ok(None) };
    let mut words = first.split(' ');
    let (Some(method), Some(path)) = (words.next(), words.next()) else {
        return Err(malformed(&first));
    };
    let mut request = Request {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let line = line(stream)?.ok_or(ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
        request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if let Some(coding) = request.header("transfer-encoding") {
        return Err(malformed(coding));
    }
    let length = request.header("content-length").unwrap_or("0");
    let length: usize = length.parse().map_err(|_| malformed(length))?;
    if length > BODY_BYTES_MAX {
        return Err(malformed("a body over 16 MiB"));
    }
    request.body = vec![0; length];
    stream.read_exact(&mut request.body)?;
    Ok(Some(request))
}

/// Reads a line without its line break; `None` at the end of the stream.
fn line(stream: &mut impl BufRead) -> Result<Option<String>> {
    let mut line = String::new();
    if stream.take(LINE_BYTES_MAX).read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let end = line.trim_end_matches(['\r', '\n']).len();
    if end == line.len() {
        return Err(malformed("a line without an end"));
    }
    line.truncate(end);
    Ok(Some(line))
}

fn malformed(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("unsupported HTTP: `{what}`"))
}

/// Writes a response. A single write avoids the delay of packets that wait for an acknowledgement.
pub(crate) fn write(
    stream: &mut impl Write,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<()> {
    let mut reply = format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        reply += &format!("{name}: {value}\r\n");
    }
    reply += "\r\n";
    stream.write_all(&[reply.as_bytes(), body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_one_connection_are_read_one_by_one() {
        let mut stream =
            &b"POST /a HTTP/1.1\r\nContent-Length: 3\r\nX-A:  b \r\n\r\nxyzGET / HTTP/1.1\r\n\r\n"
                [..];
        let first = read(&mut stream).unwrap().unwrap();
        assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/a"));
        assert_eq!((&first.body[..], first.header("x-a")), (&b"xyz"[..], Some("b")));
        assert_eq!(read(&mut stream).unwrap().unwrap().method, "GET");
        assert_eq!(read(&mut stream).unwrap(), None);
    }

    #[test]
    fn what_is_not_understood_is_an_error_and_never_a_guess() {
        for text in [
            "nonsense\r\n\r\n",
            "GET / HTTP/1.1\r\n",
            "GET / HTTP/1.1",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nabc",
            "POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            assert!(read(&mut text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_answer_has_a_length() {
        let mut written = Vec::new();
        write(&mut written, 202, &[("x-a", "b")], b"hi").unwrap();
        assert_eq!(written, b"HTTP/1.1 202 \r\ncontent-length: 2\r\nx-a: b\r\n\r\nhi");
    }
}
