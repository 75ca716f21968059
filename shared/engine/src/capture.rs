//! What a policy prints, kept up to a bound.

/// Keeps what fits; printing without end costs nothing but time.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    text: String,
    bytes_max: usize,
}

impl Capture {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { text: String::new(), bytes_max }
    }

    pub(crate) fn print(&mut self, text: &str) {
        let room = self.bytes_max.saturating_sub(self.text.len());
        let room = text.floor_char_boundary(room);
        self.text.push_str(text.get(..room).unwrap_or_default());
        if room < text.len() {
            // Nothing after a cut: the capture is a prefix of what was printed.
            self.bytes_max = self.text.len();
        }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capture_is_a_prefix_of_what_was_printed() {
        let mut capture = Capture::new(4);
        ["ab", "cé", "d"].into_iter().for_each(|text| capture.print(text));
        assert_eq!(capture.into_text(), "abc");
    }
}
