//! Sentry events made for a test, with addresses of functions in fixtures.

use object::{Object, ObjectSymbol};

/// A build of a fixture that crashes load.
pub struct Build {
    pub name: String,
    pub id: String,
    functions: Vec<(String, u64, u64)>,
}

impl Build {
    /// The fixture `name`, as its own symbol table has it.
    pub fn of(name: &str) -> Self {
        let bytes = std::fs::read(super::object(name)).unwrap();
        let file = object::File::parse(&*bytes).unwrap();
        let id = hex::encode(file.build_id().unwrap().unwrap());
        let functions = file.symbols().filter(|symbol| symbol.size() > 0 && symbol.is_definition());
        let functions = functions
            .map(|symbol| (symbol.name().unwrap().to_owned(), symbol.address(), symbol.size()))
            .collect();
        Self { name: name.to_owned(), id, functions }
    }

    /// Names of its functions.
    pub fn names(&self) -> Vec<&str> {
        self.functions.iter().map(|(name, ..)| name.as_str()).collect()
    }

    /// An address in the middle of `function`, as it would be in a stack: behind a call.
    pub fn in_function(&self, function: &str) -> u64 {
        let (_, address, size) = self
            .functions
            .iter()
            .find(|(name, ..)| name == function)
            .unwrap_or_else(|| panic!("no {function}"));
        address + size - 1
    }
}

/// A crash in some functions of one build, the crashing side first. `number` makes it a crash of
/// its own.
pub fn event(number: u64, build: &Build, functions: &[&str]) -> String {
    let load = 0x7f00_0000_0000 + number * 0x10_0000;
    let frames: Vec<String> = functions
        .iter()
        .rev()
        .map(|function| {
            format!(r#"{{"instruction_addr":"{:#x}"}}"#, load + build.in_function(function))
        })
        .collect();
    format!(
        r#"{{"event_id":"{number:032x}","timestamp":{},"platform":"native","release":"app@{}","exception":{{"values":[{{"type":"SIGSEGV","value":"Segfault","stacktrace":{{"frames":[{}]}}}}]}},"debug_meta":{{"images":[{{"type":"elf","code_file":"/data/app/lib/{}","code_id":"{}","image_addr":"{load:#x}","image_size":1048576}}]}}}}"#,
        1_700_000_000 + number * 60,
        number % 3,
        frames.join(","),
        build.name,
        build.id,
    )
}
