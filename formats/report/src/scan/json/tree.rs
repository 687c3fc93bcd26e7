//! Objects within objects of their kind, however deep they are: a stack of calls as a tree.

use super::{Json, Read};

/// What comes next.
enum Next {
    Element,
    Key,
    BehindValue,
    BehindElement,
}

impl Json<'_> {
    /// Reads a list of objects that have others of their kind in the list at `children`, however
    /// deep: no stack is used. `each` gets the number of an object in the order in which they open,
    /// and `None` there, then its other keys, of which it has to read or skip the values. Anything
    /// but a list is skipped, and so is an element that is no object.
    ///
    /// # Errors
    /// The document ends early or is wrong; what `each` says.
    pub fn tree(
        &mut self,
        children: &str,
        mut each: impl FnMut(&mut Self, usize, Option<&str>) -> Read<()>,
    ) -> Read<()> {
        if self.peek()? != b'[' {
            return self.skip();
        }
        let (mut open, mut count) = (Vec::new(), 0);
        let mut next = self.first(b']')?.then_some(Next::Element);
        while let Some(now) = next {
            next = Some(match now {
                Next::Element if self.peek()? == b'{' => {
                    each(self, count, None)?;
                    open.push(count);
                    count += 1;
                    if self.first(b'}')? {
                        Next::Key
                    } else {
                        open.pop();
                        Next::BehindElement
                    }
                }
                Next::Element => {
                    self.skip()?;
                    Next::BehindElement
                }
                Next::Key => {
                    let key = self.key()?;
                    if key == children && self.peek()? == b'[' {
                        if self.first(b']')? { Next::Element } else { Next::BehindValue }
                    } else {
                        each(self, open.last().copied().unwrap_or_default(), Some(&key))?;
                        Next::BehindValue
                    }
                }
                Next::BehindValue if self.goes_on(b'}')? => Next::Key,
                Next::BehindValue => {
                    open.pop();
                    Next::BehindElement
                }
                Next::BehindElement if self.goes_on(b']')? => Next::Element,
                Next::BehindElement if open.is_empty() => return Ok(()),
                Next::BehindElement => Next::BehindValue,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees() {
        let text =
            r#"[{"a":1,"of":[{"a":2},{"of":[],"a":3},7,{}]},{"of":[{"of":[{"a":4}]}],"b":5},"x"]"#;
        let mut seen = Vec::new();
        let mut json = Json::new(text);
        json.tree("of", |json, node, key| {
            match key {
                Some(key) => seen.push(format!("{node}{key}{}", json.text()?.unwrap())),
                None => seen.push(format!("{node}")),
            }
            Ok(())
        })
        .unwrap();
        assert!(json.end().is_ok());
        assert_eq!(seen, ["0", "0a1", "1", "1a2", "2", "2a3", "3", "4", "5", "6", "6a4", "4b5"]);
        let read = |text: &str| {
            Json::new(text).tree("of", |json, _, key| key.map_or(Ok(()), |_| json.skip()))
        };
        for end in 0..text.len() {
            assert!(read(&text[..end]).unwrap_err().is_end, "{end}");
        }
        let deep = r#"[{"of":"#.repeat(100_000) + "[]" + &"}]".repeat(100_000);
        assert!(read(&deep).is_ok());
        assert!(read("[{1}]").is_err() && read("{}").is_ok());
    }
}
