//! Where a JSON document ends: its brackets are counted as its bytes come, and nothing else of it
//! is looked at.

/// How many brackets are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Brackets {
    depth: u64,
    /// How often the last open one was closed.
    closings: u64,
    is_string: bool,
    is_escape: bool,
}

impl Brackets {
    /// Counts those in `bytes`, which go on where the last ones ended.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.feed_until(bytes, |_, _| false);
    }

    /// The same, up to the first bracket behind which `is_end` holds of the depths before and after
    /// it. Returns how many bytes were read.
    pub fn feed_until(&mut self, bytes: &[u8], is_end: impl Fn(u64, u64) -> bool) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if self.is_escape {
                self.is_escape = false;
                at += 1;
            } else if self.is_string {
                let Some(stop) = memchr::memchr2(b'"', b'\\', &bytes[at..]) else {
                    return bytes.len();
                };
                at += stop;
                self.is_escape = bytes[at] == b'\\';
                self.is_string = self.is_escape;
                at += 1;
            } else {
                at += 1;
                let before = self.depth;
                match byte {
                    b'"' => self.is_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if before != self.depth {
                    self.closings += u64::from(self.depth == 0);
                    if is_end(before, self.depth) {
                        break;
                    }
                }
            }
        }
        at
    }

    /// How often all that were open were closed: how many documents have ended.
    pub fn closings(self) -> u64 {
        self.closings
    }

    /// How many are open.
    pub fn depth(self) -> u64 {
        self.depth
    }

    /// Whether all that were opened are closed.
    pub fn is_closed(self) -> bool {
        self.depth == 0 && !self.is_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_end_with_their_brackets() {
        let text = br#"{"a":"}\"\\","b":[{}]}"#;
        for end in 0..=text.len() {
            let mut brackets = Brackets::default();
            brackets.feed(&text[..end]);
            assert_eq!(brackets.is_closed(), end == 0 || end == text.len(), "{end}");
            brackets.feed(&text[end..]);
            assert!(brackets.is_closed());
        }
        let long = [b"{\"", &[b'a'; 100][..], b"\\\"}", &[b'b'; 40], b"\"}{}"].concat();
        let mut brackets = Brackets::default();
        brackets.feed(&long);
        assert!(brackets.is_closed() && brackets.closings() == 2);
        let mut brackets = Brackets::default();
        assert_eq!(brackets.feed_until(b"x{}{}", |before, after| before > after), 3);
    }
}
