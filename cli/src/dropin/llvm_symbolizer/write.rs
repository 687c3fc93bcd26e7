//! Writes the answer of a request of llvm-symbolizer.

use std::borrow::Cow;
use std::ops::Range;

use symtool_store::resolve::Rendered;

use super::request::{Kind, Place};
use super::session::{Asked, Session};
use crate::style::llvm::{Format, Inlines, Printer, Request};

impl Session<'_> {
    /// Writes what was rendered for `asked`: `answers` for addresses, `places` for symbols.
    pub(super) fn write(
        &self,
        asked: &Asked<'_>,
        answers: &Rendered<bool>,
        places: &Rendered<bool>,
        out: &mut Vec<u8>,
    ) {
        let printer = self.options.printer;
        match asked {
            Asked::Nothing { module } => {
                let request = Request { module, ..Request::default() };
                printer.begin(&request, out);
                printer.unknown(out);
                printer.end(&request, out);
            }
            Asked::Address { named, address, number, is_failed } => {
                let request =
                    Request { module: &self.shown(*named), address: Some(*address), symbol: None };
                printer.begin(&request, out);
                match number.and_then(|number| answers.get(number)) {
                    Some((text, true)) => out.extend_from_slice(text),
                    _ if *is_failed
                        && printer.format == Format::Json
                        && printer.inlines == Inlines::All => {}
                    _ => printer.unknown(out),
                }
                printer.end(&request, out);
            }
            Asked::Symbol { named, name, numbers } => {
                let request =
                    Request { module: &self.shown(*named), address: None, symbol: Some(name) };
                printer.begin(&request, out);
                self.write_places(numbers.clone(), places, out);
                printer.end(&request, out);
            }
            Asked::Failed { named, place, reason } => {
                self.write_failed(*named, place, reason, out);
            }
            Asked::Other { named, address, kind } => {
                let request =
                    Request { module: &self.shown(*named), address: Some(*address), symbol: None };
                printer.put_nothing(&request, *kind == Kind::Data, out);
            }
        }
    }

    /// Writes where a symbol was found: the places of those `numbers` that have a file.
    fn write_places(&self, numbers: Range<usize>, places: &Rendered<bool>, out: &mut Vec<u8>) {
        let printer = self.options.printer;
        let mut any = false;
        for (text, _) in
            numbers.filter_map(|number| places.get(number)).filter(|(_, has_file)| *has_file)
        {
            out.extend_from_slice(if any && printer.format == Format::Json { b"," } else { b"" });
            out.extend_from_slice(text);
            any = true;
        }
        if !any && printer.format != Format::Json {
            printer.unknown(out);
        }
    }

    /// Writes that an object cannot be opened; in text, that was said before.
    fn write_failed(&self, named: usize, place: &Place<'_>, reason: &str, out: &mut Vec<u8>) {
        let printer = self.options.printer;
        let (address, symbol) = match place {
            Place::Address(address) => (Some(*address), None),
            Place::Symbol(name, _) => (None, Some(*name)),
        };
        if printer.format == Format::Json {
            let request = Request { module: &self.shown(named), address, symbol };
            Printer::error(&request, reason.as_bytes(), out);
        } else {
            let request = Request { module: b"", address, symbol };
            printer.begin(&request, out);
            printer.unknown(out);
            printer.end(&request, out);
        }
    }

    /// How an object is called in answers.
    fn shown(&self, named: usize) -> Cow<'_, [u8]> {
        self.known.get(named).map_or_else(Cow::default, |(named, _)| named.shown())
    }
}
