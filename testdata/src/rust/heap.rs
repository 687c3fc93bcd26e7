//! A small heap without allocation: generics, closures, traits, a module in a
//! second file. Built as a cdylib without std.
#![no_std]

mod measure;

use measure::{Measure, Weight};

#[panic_handler]
fn on_panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

pub struct Heap<T, const N: usize> {
    items: [T; N],
    len: usize,
}

impl<T: Measure + Copy, const N: usize> Heap<T, N> {
    fn new(fill: T) -> Self {
        Heap {
            items: [fill; N],
            len: 0,
        }
    }

    fn push(&mut self, item: T) -> Option<()> {
        let slot = self.items.get_mut(self.len)?;
        *slot = item;
        self.len += 1;
        self.sift_up(self.len - 1);
        Some(())
    }

    #[inline]
    fn sift_up(&mut self, mut at: usize) {
        while at > 0 {
            let parent = (at - 1) / 2;
            let key = |i: usize| self.items[i].measure();
            if key(parent) <= key(at) {
                break;
            }
            self.items.swap(parent, at);
            at = parent;
        }
    }

    fn fold<A>(&self, first: A, step: impl Fn(A, &T) -> A) -> A {
        self.items[..self.len].iter().fold(first, step)
    }
}

#[inline(never)]
fn depth(n: u64) -> u64 {
    match n {
        0 | 1 => 0,
        n if n % 2 == 0 => 1 + depth(n / 2),
        n => 1 + depth(n * 3 + 1),
    }
}

#[cold]
#[inline(never)]
fn full(at: u64) -> ! {
    panic!("full at {at}")
}

/// # Safety
/// `input` points to `count` numbers.
#[no_mangle]
pub unsafe extern "C" fn heap_total(input: *const u64, count: usize) -> u64 {
    let input = core::slice::from_raw_parts(input, count);
    let mut plain = Heap::<u64, 16>::new(0);
    let mut weighed = Heap::<Weight<'_>, 4>::new(Weight {
        name: "none",
        grams: 1,
    });
    for &n in input.iter().filter(|n| **n % 3 != 0) {
        if plain.push(n).is_none() {
            full(n);
        }
        let _ = weighed.push(Weight {
            name: "some",
            grams: n as u32,
        });
    }
    let scale = |sum: u64, x: u64| sum.wrapping_mul(31).wrapping_add(x);
    let light = weighed.fold(0, |sum, w| scale(sum, w.measure()));
    plain.fold(light, |sum, n| scale(sum, depth(*n)))
}
