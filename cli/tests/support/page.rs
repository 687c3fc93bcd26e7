//! An HTML page, as far as tests need it: its elements one after the other, and its text.

/// An element's start, or text.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece {
    Start { name: String, attributes: Vec<(String, String)> },
    End(String),
    Text(String),
}

pub struct Page {
    pub pieces: Vec<Piece>,
}

impl Page {
    /// Reads `html`, which has to be written as maud writes it: lower-case names, attributes in
    /// double quotes or without a value.
    pub fn of(html: &str) -> Self {
        let (mut pieces, mut rest) = (Vec::new(), html);
        while let Some((text, after)) = rest.split_once('<') {
            if !text.is_empty() {
                pieces.push(Piece::Text(decoded(text)));
            }
            let (tag, after) = after.split_once('>').unwrap();
            pieces.push(match tag.strip_prefix('/') {
                Some(name) => Piece::End(name.to_owned()),
                None => start(tag),
            });
            rest = after;
            if tag == "style" {
                let (style, after) = rest.split_once("</style>").unwrap();
                pieces.push(Piece::Text(style.to_owned()));
                pieces.push(Piece::End("style".to_owned()));
                rest = after;
            }
        }
        assert_eq!(rest, "", "text behind the page");
        Self { pieces }
    }

    /// All starts of elements.
    pub fn starts(&self) -> impl Iterator<Item = (&str, &[(String, String)])> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Start { name, attributes } => Some((name.as_str(), attributes.as_slice())),
            _ => None,
        })
    }

    /// Values of the attribute `name`, wherever it stands.
    pub fn values(&self, name: &str) -> Vec<&str> {
        let attributes = self.starts().flat_map(|(_, attributes)| attributes);
        attributes.filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The text of the element with this id, its parts parted by one space; that of the page, for
    /// an empty id. Pictures and what only the eye sees are left out.
    pub fn text(&self, id: &str) -> String {
        let (mut open, mut hidden): (Vec<&str>, usize) = (Vec::new(), 0);
        let (mut begins, mut words) = (id.is_empty().then_some(0), Vec::new());
        for piece in &self.pieces {
            match piece {
                Piece::Start { name, attributes } => {
                    let is_void = ["meta", "br", "!DOCTYPE"].contains(&name.as_str());
                    if attributes.iter().any(|(key, value)| key == "id" && value == id) {
                        begins = Some(open.len());
                    }
                    if !is_void {
                        open.push(name);
                        if hidden > 0 || ["svg", "style", "title"].contains(&name.as_str()) {
                            hidden += 1;
                        }
                    }
                }
                Piece::End(name) => {
                    assert_eq!(open.pop(), Some(name.as_str()), "elements overlap");
                    hidden = hidden.saturating_sub(1);
                    if begins.is_some_and(|depth| open.len() <= depth) {
                        break;
                    }
                }
                Piece::Text(text) if begins.is_some() && hidden == 0 => words.push(text.as_str()),
                Piece::Text(_) => {}
            }
        }
        words
            .join(" ")
            .split([' ', '\n'])
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn start(tag: &str) -> Piece {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        let (value, after) = match after.strip_prefix("=\"") {
            Some(quoted) => quoted.split_once('"').unwrap(),
            None => ("", after),
        };
        let is_twice = attributes.iter().any(|(known, _): &(String, String)| known == key);
        assert!(!is_twice, "{tag}: {key} stands there twice");
        attributes.push((key.to_owned(), decoded(value)));
        rest = after.trim_start();
    }
    Piece::Start { name: name.to_owned(), attributes }
}

fn decoded(text: &str) -> String {
    // `&amp;` last: what it makes is no other entity.
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (entity, char)| text.replace(entity, char))
}
