//! Makes one crash of a bug, with absolute addresses.
//!
//! ```text
//! crash side   handler      GenerateDump … SignalHandler, the signal's trampoline     some reports
//!              top          memcpy, or check_failed and abort                         as the bug says
//!              steps        the bug's own sites; what recurs, many times              always
//!              middles      0 to 4 of the bug's                                       any
//!              end          event loop, thread pool or timer, and the system's        unless cut off
//! far end
//! ```
//!
//! Between the callers of the first step some reports have junk, which an unwinder took for a
//! return address.

use fastrand::Rng;

use super::bugs::{Bug, CHECK, ENDS, Step, Top};
use super::build::Builds;
use super::modules::RECIPES;
use super::platform::Platform;
use super::sites::{Sites, Spot};
use super::system::{Call, LIBRARY_BYTES, System, system};

/// Pages are of this size on all platforms, so that there is one rule.
const PAGE_BYTES: u64 = 0x4000;
/// 90 days, over which crashes are spread.
pub const SPAN_SECONDS: u64 = 90 * 24 * 60 * 60;
/// The first second of them.
pub const FIRST_SECOND: u64 = 1_700_000_000;

/// A crash.
#[derive(Debug)]
pub struct Crash {
    /// 32 hexadecimal digits.
    pub event_id: String,
    /// Seconds since 1970.
    pub seconds: u64,
    /// Where it happened.
    pub platform: Platform,
    /// Index of the app's build.
    pub build: usize,
    /// Index of the system's version.
    pub version: usize,
    /// Number of the app's installation.
    pub install: u64,
    /// Number and name.
    pub signal: (u8, &'static str),
    /// Where each image is loaded: the app's modules, then the system's libraries.
    pub loads: Vec<u64>,
    /// Crash side first.
    pub frames: Vec<Frame>,
    /// Frames of other threads, crash side first.
    pub others: Vec<Vec<Frame>>,
}

/// A frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Index into [`Crash::loads`].
    pub image: usize,
    /// The absolute address: the first frame's instruction, and where the others return to.
    pub address: u64,
    /// The function, where the client knew it.
    pub function: Option<&'static str>,
    /// How the unwinder found it.
    pub trust: &'static str,
}

/// What crashes are made of.
#[derive(Debug)]
pub struct World<'a> {
    /// Where code is.
    pub sites: &'a Sites,
    /// By platform.
    pub builds: &'a [Builds],
    /// By end, its sites; then the failed check's; then the handler's.
    fixed: Fixed,
}

#[derive(Debug)]
struct Fixed {
    ends: Vec<Vec<usize>>,
    check: usize,
    /// Crash side first.
    handler: Vec<usize>,
}

impl<'a> World<'a> {
    /// # Errors
    /// If a function that is on many stacks has no site.
    pub fn new(sites: &'a Sites, builds: &'a [Builds]) -> Result<Self, String> {
        let one = |name: &str| {
            sites
                .of(name)
                .next()
                .ok_or_else(|| format!("{name}: has no code of its own in some build"))
        };
        let ends = ENDS
            .iter()
            .map(|(names, _)| names.iter().map(|name| one(name)).collect())
            .collect::<Result<_, _>>()?;
        let handler = ["WriteDump", "GenerateDump", "HandleSignal", "SignalHandler"];
        let handler = handler
            .iter()
            .map(|name| one(&format!("google_breakpad::ExceptionHandler::{name}")))
            .collect::<Result<_, _>>()?;
        Ok(Self { sites, builds, fixed: Fixed { ends, check: one(CHECK)?, handler } })
    }

    /// A crash of `bug`.
    pub fn crash(&self, bug: &Bug, rng: &mut Rng) -> Crash {
        let platform = bug.platforms[rng.usize(..bug.platforms.len())];
        let system = system(platform);
        let builds = self.builds[platform.index()].builds.len();
        let build = rng.usize(..builds);
        // A build comes when those before it have had their time.
        let released = SPAN_SECONDS / builds.max(1) as u64 * build as u64;
        let seconds = FIRST_SECOND + rng.u64(released..SPAN_SECONDS);
        let version = rng.usize(..system.versions.len());
        let loads = self.loads(platform, build, rng);
        let signal = match bug.top {
            Top::Check => (6, "SIGABRT"),
            Top::Memory(_) => system.signals[0],
            Top::Nothing => system.signals[bug.signal],
        };
        let mut crash = Crash {
            event_id: format!("{:032x}", rng.u128(..)),
            seconds,
            platform,
            build,
            version,
            install: rng.u64(..1 << 48),
            signal,
            loads,
            frames: Vec::new(),
            others: Vec::new(),
        };
        let mut stack = Stack {
            world: self,
            system,
            frames: Vec::new(),
            has_names: platform.is_apple() || rng.bool(),
        };
        if rng.u8(..100) < 15 {
            stack.handler(&crash, rng);
        }
        stack.steps(&crash, bug, rng);
        stack.callers(&crash, bug, rng);
        crash.frames = stack.frames;
        crash.others = (0..rng.usize(..2)).map(|_| self.other(&crash, rng)).collect();
        crash
    }

    /// Where everything is loaded: one image after the other, with gaps.
    fn loads(&self, platform: Platform, build: usize, rng: &mut Rng) -> Vec<u64> {
        let mut at = match platform {
            Platform::Linux => 0x7f00_0000_0000,
            Platform::Android => 0x7a00_0000_0000,
            Platform::Ios => 0x1_0000_0000,
        } + rng.u64(..0x1_0000) * PAGE_BYTES;
        let app =
            self.builds[platform.index()].builds[build].iter().map(|linked| linked.module.size);
        let sizes = app.chain(system(platform).libraries.iter().map(|_| LIBRARY_BYTES));
        sizes
            .map(|size| {
                let load = at;
                at += size.next_multiple_of(PAGE_BYTES) + rng.u64(1..0x100) * PAGE_BYTES;
                load
            })
            .collect()
    }

    /// A thread that waits.
    fn other(&self, crash: &Crash, rng: &mut Rng) -> Vec<Frame> {
        let system = system(crash.platform);
        let mut stack = Stack { world: self, system, frames: Vec::new(), has_names: true };
        for call in system.idle[rng.usize(..system.idle.len())] {
            stack.system(crash, *call, "cfi", false);
        }
        let end = rng.usize(..ENDS.len());
        stack.end(crash, end, rng);
        stack.frames
    }
}

struct Stack<'a> {
    world: &'a World<'a>,
    system: &'static System,
    frames: Vec<Frame>,
    /// Whether the client knew the system's functions.
    has_names: bool,
}

impl Stack<'_> {
    fn handler(&mut self, crash: &Crash, rng: &mut Rng) {
        let skipped = rng.usize(..2);
        for site in &self.world.fixed.handler[skipped..] {
            self.site(crash, *site, rng);
        }
        self.system(crash, self.system.trampoline, "cfi", true);
    }

    fn steps(&mut self, crash: &Crash, bug: &Bug, rng: &mut Rng) {
        match bug.top {
            Top::Nothing => {}
            Top::Memory(index) => self.system(
                crash,
                self.system.memory[index % self.system.memory.len()],
                "cfi",
                false,
            ),
            Top::Check => {
                for call in self.system.abort {
                    self.system(crash, *call, "cfi", false);
                }
                self.site(crash, self.world.fixed.check, rng);
            }
        }
        let times = bug.recurs.map_or(1, |_| 1 + rng.usize(..40) * rng.usize(..2));
        for (index, step) in bug.steps.iter().enumerate() {
            match bug.recurs {
                Some((from, end)) if index == from => {
                    for _ in 0..times {
                        bug.steps[from..end].iter().for_each(|step| self.step(crash, step, rng));
                    }
                }
                Some((from, end)) if (from..end).contains(&index) => {}
                _ => self.step(crash, step, rng),
            }
        }
    }

    fn callers(&mut self, crash: &Crash, bug: &Bug, rng: &mut Rng) {
        let junk_at = (rng.u8(..100) < 20).then(|| rng.usize(1..=self.frames.len()));
        let own = self.frames.len();
        for _ in 0..rng.usize(..5) {
            let middle = &bug.middles[rng.usize(..bug.middles.len())];
            self.step(crash, middle, rng);
        }
        let end = bug.ends[rng.usize(..bug.ends.len())];
        self.end(crash, end, rng);
        // One unwinder in ten gives up early, but not before the bug's own steps.
        if rng.u8(..10) == 0 {
            self.frames.truncate(rng.usize(own..=self.frames.len()));
        }
        if let Some(at) = junk_at {
            // What an unwinder finds behind junk it finds by scanning too.
            if let (Some(next), true) = (self.frames.get_mut(at.max(own)), rng.bool()) {
                next.trust = "scan";
            }
            for _ in 0..rng.usize(1..3) {
                let junk = self.junk(crash, rng);
                self.frames.insert(at, junk);
            }
        }
        if let Some(first) = self.frames.first_mut() {
            first.trust = "context";
        }
    }

    fn end(&mut self, crash: &Crash, end: usize, rng: &mut Rng) {
        let (_, is_main) = ENDS[end];
        // On phones main does not turn the loop itself: the system does, and calls its handlers.
        let is_turned = is_main && crash.platform != Platform::Linux;
        let sites = &self.world.fixed.ends[end];
        for site in if is_turned { &sites[..1] } else { sites } {
            self.site(crash, *site, rng);
        }
        for call in if is_main { self.system.main } else { self.system.thread } {
            self.system(crash, *call, "cfi", false);
        }
    }

    fn step(&mut self, crash: &Crash, step: &Step, rng: &mut Rng) {
        let spots = &step.spots[crash.platform.index()];
        let spot = if rng.u8(..100) < 80 { spots[0] } else { spots[rng.usize(..spots.len())] };
        self.push(crash, self.world.sites.sites[step.site].module, spot);
    }

    /// Any return address of a site.
    fn site(&mut self, crash: &Crash, site: usize, rng: &mut Rng) {
        let site = &self.world.sites.sites[site];
        let spots = site.returns(crash.platform.index());
        self.push(crash, site.module, spots[rng.usize(..spots.len().min(2))]);
    }

    fn junk(&mut self, crash: &Crash, rng: &mut Rng) -> Frame {
        let sites = &self.world.sites.sites;
        let site = &sites[rng.usize(..sites.len())];
        let spots = site.returns(crash.platform.index());
        Frame { trust: "scan", ..self.frame(crash, site.module, spots[rng.usize(..spots.len())]) }
    }

    fn push(&mut self, crash: &Crash, module: usize, spot: Spot) {
        let frame = self.frame(crash, module, spot);
        self.frames.push(frame);
    }

    fn frame(&self, crash: &Crash, module: usize, spot: Spot) -> Frame {
        let platform = crash.platform.index();
        let start = self.world.sites.tables[platform].starts[crash.build][spot.symbol];
        let base = self.world.builds[platform].builds[crash.build][module].module.base;
        Frame {
            image: module,
            address: start - base + spot.offset + crash.loads[module],
            function: None,
            trust: "cfi",
        }
    }

    fn system(&mut self, crash: &Crash, call: Call, trust: &'static str, is_named: bool) {
        let image = RECIPES.len() + call.0;
        let address = crash.loads[image] + self.system.offset(crash.version, call);
        let function = (is_named || self.has_names).then_some(call.1);
        self.frames.push(Frame { image, address, function, trust });
    }
}
