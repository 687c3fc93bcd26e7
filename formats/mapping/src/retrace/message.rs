//! Names of classes in what exceptions say: `a.b cannot be cast to c.d`.

use super::{Classes, Retrace};

impl<C: Classes> Retrace<C> {
    /// A message with the names of classes in it: words with a dot in them that the mapping has,
    /// also as Java spells them in descriptors (`[La.b;`) and paths (`a/b`).
    ///
    /// # Errors
    /// Those of the classes.
    pub fn remap_message(&mut self, message: &str) -> Result<String, C::Error> {
        let mut out = String::with_capacity(message.len());
        let mut rest = message;
        while let Some(start) = rest.find(is_in_name) {
            let end = rest[start..].find(|c| !is_in_name(c)).map_or(rest.len(), |end| start + end);
            let word = rest[start..end].trim_end_matches(['.', '-', '/']);
            let behind = &rest[start + word.len()..];
            out.push_str(&rest[..start]);
            out.push_str(self.remap_word(word, behind)?.as_deref().unwrap_or(word));
            out.push_str(&rest[start + word.len()..end]);
            rest = &rest[end..];
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The original class that `word` names, with `behind` behind it, spelled as the word is.
    fn remap_word(&mut self, word: &str, behind: &str) -> Result<Option<String>, C::Error> {
        if is_abbreviation(word, behind)
            || !word.contains(['.', '/'])
            || (word.contains('.') && word.contains('/'))
        {
            return Ok(None);
        }
        let has_slashes = word.contains('/');
        let dotted =
            |name: &str| if has_slashes { name.replace('/', ".") } else { name.to_owned() };
        let spelled = |name: String| if has_slashes { name.replace('.', "/") } else { name };
        if let Some(original) = self.remap_class(&dotted(word))? {
            return Ok(Some(spelled(original)));
        }
        match word.strip_prefix('L').filter(|_| behind.starts_with(';')) {
            Some(name) => Ok(self
                .remap_class(&dotted(name))?
                .map(|original| format!("L{}", spelled(original)))),
            None => Ok(None),
        }
    }
}

fn is_in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '$' | '-' | '/')
}

/// Whether `word` is an English abbreviation like `e.g.`: obfuscated classes have such names, too.
fn is_abbreviation(word: &str, behind: &str) -> bool {
    let has_letters_alone = word.split('.').all(|part| part.len() == 1);
    has_letters_alone && behind.strip_prefix('.').is_some_and(|rest| !rest.trim().is_empty())
}
