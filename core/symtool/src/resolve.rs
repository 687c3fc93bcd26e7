//! Resolves addresses of one module to frames as owned values. [`symtool_store::resolve::Resolver`]
//! renders millions of them without a copy.

use symtool_demangle::{Spelling, demangle};
use symtool_store::resolve::{Answer, Extras, Origin, Request, Resolver, View};
use symtool_store::{Module, Reader};

use crate::Error;

/// One function at an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The function, demangled; absent where only a line is known.
    pub function: Option<String>,
    /// The path of the source file, if it is known.
    pub file: Option<String>,
    /// The line, counted from 1; 0 if it is not known.
    pub line: u32,
    /// The column, counted from 1; 0 if it is not known.
    pub column: u32,
    /// Whether the function was inlined into the next frame.
    pub inlined: bool,
}

/// The frames at each of `addresses`, virtual addresses of `module`, innermost first. Empty where
/// the module has no range.
///
/// # Errors
/// If a block that is needed is damaged.
pub fn resolve(
    reader: &Reader,
    module: &Module,
    addresses: &[u64],
) -> Result<Vec<Vec<Frame>>, Error> {
    let mut resolver = Resolver::default();
    let module = resolver.add(Origin::Store(reader, module));
    let requests = addresses.iter().enumerate().map(|(number, address)| Request {
        module,
        address: *address,
        number,
    });
    let found = std::sync::Mutex::new(Vec::new());
    let mut requests: Vec<Request> = requests.collect();
    // Each answer is rendered once for all addresses of its range: as a number, by which its frames
    // are found again.
    let rendered = resolver.batch(&mut requests, |_, answer, _| {
        let frames = frames(answer);
        let mut found = found.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        found.push(frames);
        found.len() - 1
    });
    let found: Vec<Vec<Frame>> = found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .into_iter()
        .collect::<Result<_, _>>()?;
    let frames = |number| {
        rendered.get(number).and_then(|(_, at)| found.get(at)).cloned().unwrap_or_default()
    };
    Ok((0..addresses.len()).map(frames).collect())
}

fn frames(answer: Answer<'_, '_>) -> Result<Vec<Frame>, Error> {
    let mut frames = Vec::new();
    match answer {
        Answer::NoRange => {}
        Answer::Corrupt(error) => return Err(Error::Damaged(error.to_string())),
        Answer::Frames(mut answer) => {
            answer.each(View { extras: Extras::Shown, declarations: false }, |frame| {
                let text = |bytes: &[u8]| {
                    (!bytes.is_empty()).then(|| String::from_utf8_lossy(bytes).into_owned())
                };
                frames.push(Frame {
                    function: demangle(frame.name, Spelling::Symtool).or_else(|| text(frame.name)),
                    file: text(frame.file),
                    line: frame.line,
                    column: frame.column,
                    inlined: frame.inlined,
                });
            })?;
        }
    }
    Ok(frames)
}
