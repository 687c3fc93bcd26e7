//! Decodes escapes of Rust's legacy mangling where a report has cut off `_ZN` and the lengths:
//! `_$LT$T$u20$as$u20$U$GT$` is `<T as U>`.

/// `name` with its escapes read. `None` if it has none.
pub fn decode(name: &str) -> Option<String> {
    if !name.contains('$')
        || !(name.contains("$LT$")
            || name.contains("$u7b$")
            || name.contains("$RF$")
            || name.contains("$u20$"))
    {
        return None;
    }
    let mut out = String::with_capacity(name.len());
    // An identifier may not begin with `$`, so that one that would has an underscore.
    let mut rest = name.strip_prefix('_').filter(|rest| rest.starts_with('$')).unwrap_or(name);
    while let Some(at) = rest.find(['$', '.']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("..") {
            out.push_str("::");
            rest = after;
            continue;
        }
        let end = rest[1..].find('$').map(|end| end + 1);
        match end
            .and_then(|end| Some((escaped(&rest[1..end])?, end)))
            .filter(|_| rest.starts_with('$'))
        {
            Some((sign, end)) => {
                if out.ends_with("::_") {
                    out.pop();
                }
                out.push(sign);
                rest = &rest[end + 1..];
            }
            None => {
                out.push_str(&rest[..1]);
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

/// The character that `$name$` stands for.
fn escaped(name: &str) -> Option<char> {
    Some(match name {
        "SP" => '@',
        "BP" => '*',
        "RF" => '&',
        "LT" => '<',
        "GT" => '>',
        "LP" => '(',
        "RP" => ')',
        "C" => ',',
        _ => char::from_u32(u32::from_str_radix(name.strip_prefix('u')?, 16).ok()?)
            .filter(|sign| !sign.is_control())?,
    })
}
