//! Sites and calls of functions as bytes, while a module is packed: most sites take two.

use crate::block::bytes::{Column, put, put_signed, unzigzag, zigzag};
use crate::block::functions::{Call, Site};

/// Sites and calls of functions. Those of one function lie in stretches, one for each time that it
/// got more; each names the place of the one before.
#[derive(Debug, Default)]
pub struct PutAside(Vec<u8>);

impl PutAside {
    /// Where the next stretch will lie: its first byte, counted from 1, as 0 is none.
    pub fn next_place(&self) -> usize {
        self.0.len() + 1
    }

    /// Appends what [`write`] wrote.
    pub fn extend(&mut self, stretches: &[u8]) {
        self.0.extend_from_slice(stretches);
    }

    /// Appends the sites and calls of the stretch at `place` and of those before it.
    pub fn read(&self, place: usize, sites: &mut Vec<Site>, calls: &mut Vec<Call>) {
        let mut stretches = Vec::new();
        let mut next = place.checked_sub(1);
        while let Some(start) = next {
            let mut column = Column(&self.0[start..]);
            // They are bytes of this process: there is nothing that could be missing.
            next = column.size().unwrap_or_default().checked_sub(1);
            stretches.push(column);
        }
        stretches.into_iter().rev().for_each(|stretch| read(stretch, sites, calls));
    }
}

/// Appends a stretch with `sites` and `calls` of a function, whose stretch before lies at `before`.
pub fn write(bytes: &mut Vec<u8>, before: usize, sites: &[Site], calls: &[Call]) {
    put(bytes, before as u64);
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

fn read(mut stretch: Column<'_>, sites: &mut Vec<Site>, calls: &mut Vec<Call>) {
    let mut number = || stretch.number().unwrap_or_default();
    let (site_count, call_count) = (number(), number());
    let mut before = Site::default();
    sites.extend((0..site_count).map(|_| {
        let line = number();
        before.line = moved(before.line, unzigzag(line >> 1));
        if line & 1 == 1 {
            before.file = moved(before.file, unzigzag(number()));
            (before.column, before.discriminator) = (narrow(number()), narrow(number()));
        }
        before
    }));
    let call = |_| Call { site: narrow(number()), callee: narrow(number()) };
    calls.extend((0..call_count).map(call));
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

    fn read_at(put_aside: &PutAside, place: usize) -> (Vec<Site>, Vec<Call>) {
        let (mut sites, mut calls) = (Vec::new(), Vec::new());
        put_aside.read(place, &mut sites, &mut calls);
        (sites, calls)
    }

    fn add(put_aside: &mut PutAside, before: usize, sites: &[Site], calls: &[Call]) -> usize {
        let (place, mut bytes) = (put_aside.next_place(), Vec::new());
        write(&mut bytes, before, sites, calls);
        put_aside.extend(&bytes);
        place
    }

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
        let mut put_aside = PutAside::default();
        let first = add(&mut put_aside, 0, &sites[..2], &calls[..1]);
        let other = add(&mut put_aside, 0, &[], &calls[1..]);
        let second = add(&mut put_aside, first, &sites[2..], &[]);
        let third = add(&mut put_aside, second, &[], &calls[1..]);
        assert_eq!(read_at(&put_aside, third), (sites.to_vec(), calls.to_vec()));
        assert_eq!(read_at(&put_aside, first), (sites[..2].to_vec(), calls[..1].to_vec()));
        assert_eq!(read_at(&put_aside, other), (vec![], calls[1..].to_vec()));
        assert_eq!(read_at(&put_aside, 0), (vec![], vec![]));
    }
}
