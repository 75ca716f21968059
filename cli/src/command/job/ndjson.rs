//! Reads a file of jobs line by line: it may be larger than memory.

use std::io::{self, BufRead, Read as _};

use writ_model::RawJson;

/// The bound of a request body; a longer line is refused here.
const LINE_BYTES_MAX: u64 = writ_edge::REQUEST_BYTES_MAX as u64;

/// A line that is not empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NdjsonLine {
    /// The one-based number; empty lines are counted.
    pub(super) number: u64,
    /// The JSON object of the line, or an error message.
    pub(super) text: Result<String, String>,
}

/// An iterator over the lines of a file that are not empty.
pub(super) struct NdjsonLines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> NdjsonLines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// Reads the next line; `None` at the end.
    fn read(&mut self) -> io::Result<Option<NdjsonLine>> {
        loop {
            let mut bytes = Vec::new();
            let read =
                self.reader.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            let is_whole = bytes.last() == Some(&b'\n');
            if !is_whole && bytes.len() as u64 > LINE_BYTES_MAX {
                self.reader.skip_until(b'\n')?;
                let text = Err(format!("the line has more than {LINE_BYTES_MAX} bytes"));
                return Ok(Some(NdjsonLine { number: self.number, text }));
            }
            if self.number == 1 && bytes.starts_with("\u{feff}".as_bytes()) {
                bytes.drain(..3);
            }
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some(NdjsonLine {
                    number: self.number,
                    text: json(bytes.trim_ascii()),
                }));
            }
        }
    }
}

impl<R: BufRead> Iterator for NdjsonLines<R> {
    type Item = io::Result<NdjsonLine>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Returns the line's text if it is one JSON object, else an error message.
fn json(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("the line is not UTF-8 at byte {}", error.valid_up_to()))?;
    let raw = RawJson::parse(text).map_err(|error| {
        let message = error.to_string().replace(" at line 1 column ", " at column ");
        format!("the line is not valid JSON: {message}")
    })?;
    match text.starts_with('{') {
        true => Ok(raw.as_str().to_owned()),
        false => Err("the line is not a JSON object, as `{\"name\": ...}`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(u64, Result<String, String>)> {
        NdjsonLines::new(bytes)
            .map(|line| line.unwrap())
            .map(|line| (line.number, line.text))
            .collect()
    }

    #[test]
    fn each_line_is_a_job_or_says_why_it_is_none() {
        let read = lines(
            b"\xef\xbb\xbf{\"a\": 1.0}\r\n\n  \n{\"a\":1,}\n[1]\n{\"\xff\":1}\n {\"b\":1e400} ",
        );
        let expected = [
            (1, Ok("{\"a\": 1.0}")),
            (4, Err("the line is not valid JSON: trailing comma at column 8")),
            (5, Err("the line is not a JSON object, as `{\"name\": ...}`")),
            (6, Err("the line is not UTF-8 at byte 2")),
            (7, Ok("{\"b\":1e400}")),
        ];
        let expected =
            expected.map(|(number, text)| (number, text.map(str::to_owned).map_err(str::to_owned)));
        assert_eq!(read, expected);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn a_line_that_no_server_takes_is_skipped_whole() {
        let most = usize::try_from(LINE_BYTES_MAX).unwrap();
        let fits = format!("{{\"a\":\"{}\"}}", "x".repeat(most - 8));
        let read = lines(format!("{fits}\n{fits}x\n{{}}\n").as_bytes());
        assert_eq!(read[0], (1, Ok(fits)));
        assert!(read[1].1.as_ref().unwrap_err().contains("more than"), "{:?}", read[1].0);
        assert_eq!(read[2], (3, Ok("{}".to_owned())));
    }
}
