//! The operators of C++ by their two letters: how they are written and how tightly they bind.

/// How tightly an expression binds, the tightest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precedence {
    /// A name, a literal, whatever stands in brackets.
    Primary,
    /// `a++`, `a(b)`
    Postfix,
    /// `-a`
    Unary,
    /// `(T)a`
    Cast,
    /// `a.*b`
    MemberPointer,
    /// `a * b`
    Multiplicative,
    /// `a + b`
    Additive,
    /// `a << b`
    Shift,
    /// `a <=> b`
    Spaceship,
    /// `a < b`
    Relational,
    /// `a == b`
    Equality,
    /// `a & b`
    And,
    /// `a ^ b`
    Xor,
    /// `a | b`
    Or,
    /// `a && b`
    AndIf,
    /// `a || b`
    OrIf,
    /// `a ? b : c`
    Conditional,
    /// `a = b`
    Assign,
    /// `a, b`
    Comma,
    /// Looser than everything.
    Any,
}

/// What follows an operator within an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorKind {
    /// One expression.
    Prefix,
    /// One expression; `_` first if it is written before it.
    Postfix,
    /// Two expressions.
    Binary,
    /// An array and an index.
    Subscript,
    /// An object and a member; can be the name of a function.
    Member,
    /// An object and a member; cannot be overloaded (LLVM says so of `->*` as well).
    Dot,
    /// Placement, type, initializers.
    New {
        /// `new[]`
        is_array: bool,
    },
    /// One expression.
    Delete {
        /// `delete[]`
        is_array: bool,
    },
    /// A function and its arguments.
    Call,
    /// A type and expressions.
    Cast,
    /// Three expressions.
    Conditional,
    /// Nothing: it is a function's name only.
    NameOnly,
    /// A type and an expression; cannot be overloaded.
    NamedCast,
    /// A type; cannot be overloaded.
    OfType,
    /// An expression; cannot be overloaded.
    OfValue,
}

/// An operator.
#[derive(Debug)]
pub struct Operator {
    /// Its letters in a mangled name.
    pub code: [u8; 2],
    /// What follows it.
    pub kind: OperatorKind,
    /// How tightly it binds.
    pub precedence: Precedence,
    /// How it is written, without `operator`.
    pub symbol: &'static str,
}

impl Operator {
    /// Whether a function can be called so.
    pub fn is_name(&self) -> bool {
        !matches!(
            self.kind,
            OperatorKind::Dot
                | OperatorKind::NamedCast
                | OperatorKind::OfType
                | OperatorKind::OfValue
        )
    }
}

/// The operator with `code`. Itanium C++ ABI, "Operator Encodings".
pub fn find(code: [u8; 2]) -> Option<&'static Operator> {
    let at = OPERATORS.binary_search_by_key(&code, |operator| operator.code).ok()?;
    OPERATORS.get(at)
}

const fn op(
    code: [u8; 2],
    kind: OperatorKind,
    precedence: Precedence,
    symbol: &'static str,
) -> Operator {
    Operator { code, kind, precedence, symbol }
}

/// By code.
static OPERATORS: [Operator; 62] = {
    use OperatorKind::{
        Binary, Call, Cast, Conditional, Delete, Dot, Member, NameOnly, NamedCast, New, OfType,
        OfValue, Postfix, Prefix, Subscript,
    };
    use Precedence as P;
    [
        op(*b"aN", Binary, P::Assign, "&="),
        op(*b"aS", Binary, P::Assign, "="),
        op(*b"aa", Binary, P::AndIf, "&&"),
        op(*b"ad", Prefix, P::Unary, "&"),
        op(*b"an", Binary, P::And, "&"),
        op(*b"at", OfType, P::Unary, "alignof "),
        op(*b"aw", NameOnly, P::Primary, "co_await"),
        op(*b"az", OfValue, P::Unary, "alignof "),
        op(*b"cc", NamedCast, P::Postfix, "const_cast"),
        op(*b"cl", Call, P::Postfix, "()"),
        op(*b"cm", Binary, P::Comma, ","),
        op(*b"co", Prefix, P::Unary, "~"),
        op(*b"cv", Cast, P::Cast, ""),
        // Not as tight as multiplication, in LLVM.
        op(*b"dV", Binary, P::Assign, "/="),
        op(*b"da", Delete { is_array: true }, P::Unary, "delete[]"),
        op(*b"dc", NamedCast, P::Postfix, "dynamic_cast"),
        op(*b"de", Prefix, P::Unary, "*"),
        op(*b"dl", Delete { is_array: false }, P::Unary, "delete"),
        op(*b"ds", Dot, P::MemberPointer, ".*"),
        op(*b"dt", Dot, P::Postfix, "."),
        op(*b"dv", Binary, P::Assign, "/"),
        op(*b"eO", Binary, P::Assign, "^="),
        op(*b"eo", Binary, P::Xor, "^"),
        op(*b"eq", Binary, P::Equality, "=="),
        op(*b"ge", Binary, P::Relational, ">="),
        op(*b"gt", Binary, P::Relational, ">"),
        op(*b"ix", Subscript, P::Postfix, "[]"),
        op(*b"lS", Binary, P::Assign, "<<="),
        op(*b"le", Binary, P::Relational, "<="),
        op(*b"ls", Binary, P::Shift, "<<"),
        op(*b"lt", Binary, P::Relational, "<"),
        op(*b"mI", Binary, P::Assign, "-="),
        op(*b"mL", Binary, P::Assign, "*="),
        op(*b"mi", Binary, P::Additive, "-"),
        op(*b"ml", Binary, P::Multiplicative, "*"),
        op(*b"mm", Postfix, P::Postfix, "--"),
        op(*b"na", New { is_array: true }, P::Unary, "new[]"),
        op(*b"ne", Binary, P::Equality, "!="),
        op(*b"ng", Prefix, P::Unary, "-"),
        op(*b"nt", Prefix, P::Unary, "!"),
        op(*b"nw", New { is_array: false }, P::Unary, "new"),
        op(*b"oR", Binary, P::Assign, "|="),
        op(*b"oo", Binary, P::OrIf, "||"),
        op(*b"or", Binary, P::Or, "|"),
        op(*b"pL", Binary, P::Assign, "+="),
        op(*b"pl", Binary, P::Additive, "+"),
        op(*b"pm", Dot, P::MemberPointer, "->*"),
        op(*b"pp", Postfix, P::Postfix, "++"),
        op(*b"ps", Prefix, P::Unary, "+"),
        op(*b"pt", Member, P::Postfix, "->"),
        op(*b"qu", Conditional, P::Conditional, "?"),
        op(*b"rM", Binary, P::Assign, "%="),
        op(*b"rS", Binary, P::Assign, ">>="),
        op(*b"rc", NamedCast, P::Postfix, "reinterpret_cast"),
        op(*b"rm", Binary, P::Multiplicative, "%"),
        op(*b"rs", Binary, P::Shift, ">>"),
        op(*b"sc", NamedCast, P::Postfix, "static_cast"),
        op(*b"ss", Binary, P::Spaceship, "<=>"),
        op(*b"st", OfType, P::Unary, "sizeof "),
        op(*b"sz", OfValue, P::Unary, "sizeof "),
        op(*b"te", OfValue, P::Postfix, "typeid "),
        op(*b"ti", OfType, P::Postfix, "typeid "),
    ]
};
