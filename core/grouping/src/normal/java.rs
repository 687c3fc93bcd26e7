//! Normalises classes and methods of Java and Kotlin: one name without what compilers and runtimes
//! number.

/// Classes that a runtime makes and numbers.
const GENERATED: [&str; 5] = [
    "GeneratedMethodAccessor",
    "GeneratedConstructorAccessor",
    "GeneratedSerializationConstructorAccessor",
    "$Proxy",
    "jdk.proxy",
];

/// `class.method` in one spelling for all builds: numbers of anonymous classes become `?`, lambdas
/// `lambda`, hashes of generated classes go.
pub fn java(class: &str, method: &str) -> String {
    let class = class_name(class.trim());
    let method = method_name(method.trim());
    match (class.is_empty(), method.is_empty()) {
        (_, true) => class,
        (true, false) => method,
        (false, false) => format!("{class}.{method}"),
    }
}

fn class_name(class: &str) -> String {
    // A hidden class has its address behind a slash.
    let class = class.split("/0x").next().unwrap_or(class);
    // `a.b.-$$Lambda$Foo$hash` of D8's desugaring.
    if let Some((package, lambda)) = class.split_once("-$$Lambda$") {
        let of = lambda.rsplit_once('$').map_or("", |(of, _)| of);
        return if of.is_empty() {
            format!("{package}lambda")
        } else {
            format!("{package}{}$lambda", parts(of))
        };
    }
    for lambda in ["$$Lambda", "$$ExternalSyntheticLambda", "$$InternalSyntheticLambda"] {
        if let Some((of, _)) = class.split_once(lambda) {
            return format!("{}$lambda", parts(of));
        }
    }
    // `Foo$$EnhancerBySpringCGLIB$$1a2b3c4d`: the second part is a hash.
    let mut doubled = class.splitn(3, "$$");
    let first = doubled.next().unwrap_or_default();
    let class = match (doubled.next(), doubled.next()) {
        (Some(by), Some(_)) if by.ends_with("CGLIB") || by.contains("By") => {
            format!("{}$${by}", parts(first))
        }
        _ => parts(class),
    };
    GENERATED.iter().fold(class, |class, generated| without_number(&class, generated))
}

/// The parts of a nested class, numbers as `?`.
fn parts(class: &str) -> String {
    if !class.contains('$') {
        return class.to_owned();
    }
    let mut out = String::with_capacity(class.len());
    for (index, part) in class.split('$').enumerate() {
        if index > 0 {
            out.push('$');
        }
        let is_number =
            index > 0 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        out.push_str(if is_number { "?" } else { part });
    }
    out
}

fn without_number(class: &str, generated: &str) -> String {
    let Some(at) = class.find(generated) else { return class.to_owned() };
    let (head, tail) = class.split_at(at + generated.len());
    format!("{head}{}", tail.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

fn method_name(method: &str) -> String {
    if let Some(number) = method.strip_prefix("access$") {
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        return if is_number { "access$".to_owned() } else { method.to_owned() };
    }
    if method.starts_with("$r8$lambda$") {
        return "$r8$lambda".to_owned();
    }
    // `lambda$onCreate$0`, and D8's `lambda$onCreate$0$a-b-Foo`.
    if let Some(of) = method.strip_prefix("lambda$") {
        let of = of.split('$').next().unwrap_or_default();
        let is_number = of.bytes().all(|byte| byte.is_ascii_digit());
        return if is_number { "lambda".to_owned() } else { format!("lambda${of}") };
    }
    // Kotlin: `onCreate$lambda-0`, `onCreate$lambda$1$lambda$0`.
    if let Some((of, _)) = method.split_once("$lambda") {
        return format!("{of}$lambda");
    }
    method.to_owned()
}
