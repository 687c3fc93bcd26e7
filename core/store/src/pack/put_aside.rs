//! Sites and calls of functions as bytes, while a module is packed: most sites take two.

use crate::block::bytes::{Column, put, put_signed, unzigzag, zigzag};
use crate::block::functions::{Call, Site};

/// What [`read`] gives back.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PutAside {
    pub sites: Vec<Site>,
    pub calls: Vec<Call>,
}

/// Appends the sites and calls of a function.
pub fn write(bytes: &mut Vec<u8>, sites: &[Site], calls: &[Call]) {
    put(bytes, sites.len() as u64);
    put(bytes, calls.len() as u64);
    let mut before = Site::default();
    for site in sites {
        // Files change seldom, and many formats know no more than lines.
        let is_line = (site.file, site.column, site.discriminator)
            == (before.file, before.column, before.discriminator);
        let line = zigzag(i64::from(site.line) - i64::from(before.line));
        put(bytes, line << 1 | u64::from(!is_line));
        if !is_line {
            put_signed(bytes, i64::from(site.file) - i64::from(before.file));
            put(bytes, u64::from(site.column));
            put(bytes, u64::from(site.discriminator));
        }
        before = *site;
    }
    for call in calls {
        put(bytes, u64::from(call.site));
        put(bytes, u64::from(call.callee));
    }
}

/// What [`write`] wrote at the beginning of `bytes`.
pub fn read(bytes: &[u8]) -> PutAside {
    let mut column = Column(bytes);
    // They are bytes of this process: there is nothing that could be missing.
    let mut number = || column.number().unwrap_or_default();
    let (sites, calls) = (number(), number());
    let mut before = Site::default();
    let sites = (0..sites).map(|_| {
        let line = number();
        before.line = moved(before.line, unzigzag(line >> 1));
        if line & 1 == 1 {
            before.file = moved(before.file, unzigzag(number()));
            (before.column, before.discriminator) = (narrow(number()), narrow(number()));
        }
        before
    });
    let sites = sites.collect();
    let call = |_| Call { site: narrow(number()), callee: narrow(number()) };
    PutAside { sites, calls: (0..calls).map(call).collect() }
}

fn moved(from: u32, by: i64) -> u32 {
    u32::try_from(i64::from(from) + by).unwrap_or_default()
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_comes_back() {
        let site = |file, line, column, discriminator| Site { file, line, column, discriminator };
        let sites = [
            site(3, 10, 0, 0),
            site(3, 12, 0, 0),
            site(0, 0, 7, 0),
            site(u32::MAX, u32::MAX, u32::MAX, u32::MAX),
            site(1, 1, u32::MAX, u32::MAX),
        ];
        let calls = [Call { site: 4, callee: u32::MAX }, Call { site: 0, callee: 0 }];
        let mut bytes = Vec::new();
        write(&mut bytes, &sites, &calls);
        let second = bytes.len();
        write(&mut bytes, &[], &calls[1..]);
        assert_eq!(read(&bytes), PutAside { sites: sites.to_vec(), calls: calls.to_vec() });
        assert_eq!(read(&bytes[second..]), PutAside { sites: vec![], calls: calls[1..].to_vec() });
    }
}
