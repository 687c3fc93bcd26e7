//! Normalises Objective-C methods and blocks: without categories, and with one spelling for blocks.

use super::{BLOCK, function, suffix};

/// How the code of blocks ends: `__27-[Foo bar:]_block_invoke_2`, `__main_block_invoke.12`.
const INVOKE: &str = "_block_invoke";

/// Functions that copy and free what blocks hold; the rest of the name says how it is laid out.
const HELPERS: [&str; 2] = ["__copy_helper_block_", "__destroy_helper_block_"];

/// The method or block that `name` is. `None` if it is something else.
pub fn method(name: &str) -> Option<String> {
    if is_method(name) {
        let end = name.find(']').map_or(name.len(), |end| end + 1);
        return Some(without_category(&name[..end]));
    }
    if !name.starts_with("__") {
        return None;
    }
    if let Some(helper) = HELPERS.iter().find(|helper| name.starts_with(**helper)) {
        return Some((*helper).to_owned());
    }
    let of = &name[2..name.find(INVOKE)?];
    let of = of.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let of = if is_method(of) {
        without_category(of)
    } else {
        of.strip_prefix("__Z").map_or_else(|| function(of), |_| of.to_owned())
    };
    (!of.is_empty()).then(|| format!("{}{BLOCK}", suffix::without(&of)))
}

fn is_method(name: &str) -> bool {
    matches!(name.as_bytes(), [b'-' | b'+', b'[', ..])
}

/// `-[Class(Category) method]` without `(Category)`.
fn without_category(method: &str) -> String {
    let class = &method[..method.find(' ').unwrap_or(method.len())];
    match class.find('(') {
        Some(at) => format!("{}{}", &method[..at], &method[class.len()..]),
        None => method.to_owned(),
    }
}
