//! Types with their original names, as descriptors and as sources spell them.

use super::{Classes, Retrace};

impl<C: Classes> Retrace<C> {
    /// Arguments and return type of a descriptor, as the mapping spells the original ones.
    pub(super) fn remap_descriptor(
        &mut self,
        descriptor: &str,
    ) -> Result<Option<(String, String)>, C::Error> {
        let Some((arguments, returns)) =
            descriptor.strip_prefix('(').and_then(|text| text.split_once(')'))
        else {
            return Ok(None);
        };
        Ok(self.remap_types(arguments)?.zip(self.remap_types(returns)?))
    }

    /// Types behind each other, with commas between them.
    fn remap_types(&mut self, mut text: &str) -> Result<Option<String>, C::Error> {
        let mut types = String::new();
        while !text.is_empty() {
            let element = text.trim_start_matches('[');
            let dimensions = text.len() - element.len();
            let Some(kind) = element.chars().next() else { return Ok(None) };
            let end = if kind == 'L' { element.find(';') } else { Some(0) };
            let Some(end) = end.filter(|_| kind.is_ascii()) else { return Ok(None) };
            if !types.is_empty() {
                types.push(',');
            }
            let primitive = match kind {
                'V' => "void",
                'Z' => "boolean",
                'B' => "byte",
                'C' => "char",
                'S' => "short",
                'I' => "int",
                'J' => "long",
                'F' => "float",
                'D' => "double",
                'L' => "",
                _ => return Ok(None),
            };
            types.push_str(primitive);
            if kind == 'L' {
                let class = element[1..end].replace('/', ".");
                types.push_str(&self.remap_class(&class)?.unwrap_or(class));
            }
            types.extend(std::iter::repeat_n("[]", dimensions));
            text = &element[end + 1..];
        }
        Ok(Some(types))
    }

    /// A type as sources spell it (`a.b[]`), with its original name.
    pub(super) fn remap_type(&mut self, text: &str) -> Result<String, C::Error> {
        let end = text.find('[').unwrap_or(text.len());
        let class = self.remap_class(&text[..end])?;
        Ok(class.map_or_else(|| text.to_owned(), |class| class + &text[end..]))
    }
}
