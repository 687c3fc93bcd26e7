//! Dumps made by hand, for what real ones do not have.

/// Collects streams, and writes them behind a header and a directory.
#[derive(Default)]
pub struct DumpBuilder {
    streams: Vec<(u32, Vec<u8>)>,
    /// What records point at, from [`DumpBuilder::DATA`] on.
    data: Vec<u8>,
}

impl DumpBuilder {
    /// Where data begins in the file: behind the header and room for 16 streams.
    pub const DATA: u32 = 32 + 16 * 12;

    /// Adds bytes that records point at, and says where they are.
    pub fn data(&mut self, bytes: &[u8]) -> u32 {
        self.data.resize(self.data.len().next_multiple_of(8), 0);
        let at = Self::DATA + u32::try_from(self.data.len()).unwrap();
        self.data.extend(bytes);
        at
    }

    /// Adds a UTF-16 text.
    pub fn text(&mut self, text: &str) -> u32 {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let size = u32::try_from(units.len()).unwrap();
        self.data(&[&size.to_le_bytes()[..], &units, &[0, 0]].concat())
    }

    /// Adds a stream.
    pub fn stream(&mut self, kind: u32, bytes: Vec<u8>) -> &mut Self {
        self.streams.push((kind, bytes));
        self
    }

    /// Adds a stream that begins with the number of its records.
    pub fn list(&mut self, kind: u32, records: &[Vec<u8>]) -> &mut Self {
        let count = u32::try_from(records.len()).unwrap();
        self.stream(kind, [&count.to_le_bytes()[..], &records.concat()].concat())
    }

    /// x86-64 on Linux, or another system.
    pub fn system(&mut self, cpu: u16, os: u32) -> &mut Self {
        let mut bytes = vec![0; 56];
        bytes[..2].copy_from_slice(&cpu.to_le_bytes());
        bytes[20..24].copy_from_slice(&os.to_le_bytes());
        self.stream(7, bytes)
    }

    pub fn finish(&self) -> Vec<u8> {
        let count = u32::try_from(self.streams.len()).unwrap();
        let mut bytes = words(&[0x504d_444d, 0xa793, count, 32, 0, 0, 0, 0]);
        let mut at = Self::DATA + u32::try_from(self.data.len()).unwrap();
        for (kind, stream) in &self.streams {
            let size = u32::try_from(stream.len()).unwrap();
            bytes.extend(words(&[*kind, size, at]));
            at += size;
        }
        bytes.resize(usize::try_from(Self::DATA).unwrap(), 0);
        bytes.extend(&self.data);
        self.streams.iter().for_each(|(_, stream)| bytes.extend(stream));
        bytes
    }
}

/// Words of 32 bits, lowest byte first.
pub fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Words of 64 bits, lowest byte first.
pub fn long_words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A record of the list of threads.
pub fn thread(id: u32, stack: (u64, u32, u32), context: (u32, u32)) -> Vec<u8> {
    let (start, size, at) = stack;
    [words(&[id, 0, 0, 0, 0, 0]), long_words(&[start]), words(&[size, at, context.0, context.1])]
        .concat()
}

/// A record of the list of modules.
pub fn module(base: u64, size: u32, name: u32, code_view: (u32, u32)) -> Vec<u8> {
    let mut bytes = [long_words(&[base]), words(&[size, 0, 0, name])].concat();
    bytes.resize(76, 0);
    bytes.extend(words(&[code_view.0, code_view.1]));
    bytes.resize(108, 0);
    bytes
}

/// The registers of an x86-64 thread: rip, rsp, rbp.
pub fn context64(pc: u64, sp: u64, frame_pointer: u64) -> Vec<u8> {
    let mut bytes = vec![0; 1232];
    bytes[0x30..0x34].copy_from_slice(&0x0010_000b_u32.to_le_bytes());
    for (at, value) in [(0xf8, pc), (0x98, sp), (0xa0, frame_pointer)] {
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// The registers of an ARM64 thread in Breakpad's layout, or in Windows': x29, x30, sp, pc.
pub fn context_arm64(is_breakpad: bool, [fp, lr, sp, pc]: [u64; 4]) -> Vec<u8> {
    let mut bytes = vec![0; if is_breakpad { 796 } else { 912 }];
    let flags = if is_breakpad { 0x8000_0002_u32 } else { 0x0040_0003 };
    bytes[..4].copy_from_slice(&flags.to_le_bytes());
    for (at, value) in [(29, fp), (30, lr), (31, sp), (32, pc)] {
        let at = 8 + 8 * at;
        bytes[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    bytes
}

/// The registers of a 32-bit thread of x86: eip, esp, ebp.
pub fn context86(pc: u32, sp: u32, frame_pointer: u32) -> Vec<u8> {
    let mut bytes = vec![0; 716];
    bytes[..4].copy_from_slice(&0x0001_000b_u32.to_le_bytes());
    for (at, value) in [(0xb8, pc), (0xc4, sp), (0xb4, frame_pointer)] {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

/// A process with one thread, whose stack lies at 0x10000, and one module of 64 KiB at 0x400000.
pub fn process(cpu: u16, os: u32, stack: &[u8], context: &[u8]) -> DumpBuilder {
    let mut builder = DumpBuilder::default();
    let at = builder.data(stack);
    let context = (u32::try_from(context.len()).unwrap(), builder.data(context));
    let name = builder.text("a.so");
    builder.system(cpu, os);
    let size = u32::try_from(stack.len()).unwrap();
    builder.list(3, &[thread(7, (0x1_0000, size, at), context)]);
    builder.list(4, &[module(0x40_0000, 0x1_0000, name, (0, 0))]);
    builder
}
