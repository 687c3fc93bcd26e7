//! The kinds of nodes of a [`Tree`](super::tree::Tree).

use super::ids::{Id, List, Span};
use super::operators::Operator;

/// `const`, `volatile` and `restrict`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Qualifiers {
    /// `const`
    pub is_const: bool,
    /// `volatile`
    pub is_volatile: bool,
    /// `restrict`
    pub is_restrict: bool,
}

impl Qualifiers {
    /// Are there none?
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// What stands behind a member function's parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefQualifier {
    /// Nothing.
    #[default]
    None,
    /// `&`
    Left,
    /// `&&`
    Right,
}

/// Abbreviations that the ABI has for names of `std`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// `Sa`
    Allocator,
    /// `Sb`
    BasicString,
    /// `Ss`
    String,
    /// `Si`
    Istream,
    /// `So`
    Ostream,
    /// `Sd`
    Iostream,
}

/// Names of things that a compiler makes, by what stands before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// `TV`
    Vtable,
    /// `TT`
    Vtt,
    /// `TI`
    Typeinfo,
    /// `TS`
    TypeinfoName,
    /// `TA`
    TemplateParameterObject,
    /// `Tc`
    CovariantThunk,
    /// `Th`
    NonVirtualThunk,
    /// `Tv`
    VirtualThunk,
    /// `TW`
    ThreadWrapper,
    /// `TH`
    ThreadInit,
    /// `GV`
    Guard,
    /// `GR`
    ReferenceTemporary,
    /// `GTt`
    Transaction,
    /// `GTn`
    NoTransaction,
    /// `GI`
    ModuleInit,
    /// `___Z…_block_invoke`
    Block,
}

/// Types whose literals are written in a way of their own.
#[derive(Clone, Copy, Debug)]
pub enum LiteralType {
    /// Written behind the number: `1ul`; empty for `int`.
    Suffix(&'static str),
    /// Written before it: `(char)97`.
    Cast(&'static str),
}

/// How many of the bytes of a floating-point literal count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FloatType {
    /// 4 bytes.
    Float,
    /// 8 bytes.
    Double,
    /// 10 bytes, as on x86.
    LongDouble,
}

/// Kinds of template parameters that have no name and are given one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invented {
    /// `typename $T`
    Type,
    /// `int $N`
    Value,
    /// `template<…> typename $TT`
    Template,
}

/// One thing that a name says; the letters are those of the Itanium C++ ABI.
#[derive(Clone, Copy, Debug)]
pub enum Node {
    // Names.
    /// Text that is the same in every name.
    Word(&'static str),
    /// Text of the name itself: identifiers, numbers.
    Text(Span),
    /// `std::nullptr_t` as a type.
    NullptrType,
    /// `operator+`
    OperatorName(&'static Operator),
    /// `operator T`
    Conversion(Id),
    /// `operator"" _x`
    LiteralOperator(Id),
    /// `scope::name`
    Nested { scope: Id, name: Id },
    /// `scope::name` within an expression.
    Resolved { scope: Id, name: Id },
    /// `::name`
    Global(Id),
    /// `function::name`
    Local { function: Id, name: Id },
    /// A name within the default argument of the parameter (counted from the last) that the text says.
    InDefaultArgument { number: Span, name: Id },
    /// The text of a string, named after its function.
    StringOf(Id),
    /// `scope::friend name`
    Friend { scope: Id, name: Id },
    /// `name<args>`
    Template { name: Id, args: Id },
    /// `<args>`
    TemplateArgs(List),
    /// `name[abi:tag]`
    Tagged { name: Id, tag: Span },
    /// Constructor of the class that the name is.
    Constructor(Id),
    /// Destructor of the class that the name is.
    Destructor(Id),
    /// `~T` within an expression.
    DestructorOf(Id),
    /// `'unnamed0'`
    Unnamed(Span),
    /// `'lambda0'(…)`, with what follows in the next node: [`Node::LambdaBody`].
    Lambda { body: Id, number: Span },
    /// `<decls> requires before (params) requires after`, the constraints in [`Node::LambdaConstraints`].
    LambdaBody { decls: List, params: List, constraints: Option<Id> },
    /// Those of its template parameters and those of its parameters.
    LambdaConstraints { before: Option<Id>, after: Option<Id> },
    /// `[a, b]`
    Bindings(List),
    /// `std::string` and the like.
    Known(Known),
    /// `std::basic_string<char, …>`: before a constructor.
    KnownInFull(Known),
    /// `parent.name`, `parent:name`
    Module { parent: Option<Id>, name: Id, is_partition: bool },
    /// `name@module`
    InModule { module: Id, name: Id },
    // Things with a name.
    /// `vtable for name`
    Special { kind: Special, name: Id },
    /// `construction vtable for inner-in-outer`
    ConstructionVtable { inner: Id, outer: Id },
    /// `returns name(params) const &`, with the rest in [`Node::Signature`].
    Function { name: Id, returns: Option<Id>, signature: Id },
    /// What follows a function's name; `attributes` are conditions of `enable_if`.
    Signature { params: List, qualifiers: Qualifiers, reference: RefQualifier, tail: Option<Id> },
    /// `[enable_if:…]` and `requires …` of a function.
    SignatureTail { conditions: Option<List>, requires: Option<Id> },
    /// `this T`
    ExplicitObject(Id),
    /// `name (.suffix)`
    Suffixed { name: Id, suffix: Span },
    // Types.
    /// `T const`
    Qualified { ty: Id, qualifiers: Qualifiers },
    /// `T ext<args>`
    Vendor { ty: Id, text: Span, args: Option<Id> },
    /// `T complex`, `T auto`
    Postfixed { ty: Id, text: &'static str },
    /// `struct T`
    Elaborated { kind: &'static str, ty: Id },
    /// `__underlying_type(T)`
    Transformed { name: Span, ty: Id },
    /// `T<protocol>`
    ObjcProtocol { ty: Id, protocol: Span },
    /// `T*`
    Pointer(Id),
    /// `T&`
    Reference(Id),
    /// `T&&`
    RightReference(Id),
    /// `T C::*`
    MemberPointer { class: Id, member: Id },
    /// `T [n]`
    Array { element: Id, length: Option<Id> },
    /// `T (params)`
    FunctionType { returns: Id, signature: Id, exceptions: Option<Id> },
    /// `noexcept(e)`
    Noexcept(Id),
    /// `throw(T, U)`
    Throws(List),
    /// `T vector[n]`
    Vector { element: Id, length: Option<Id> },
    /// `pixel vector[n]`
    PixelVector(Id),
    /// `_Float16`
    BinaryFloat(Id),
    /// `_BitInt(n)`
    BitInt { bits: Id, is_signed: bool },
    // Templates.
    /// The parameter of a lambda that is `auto`, the first being 0.
    Auto(u32),
    /// The argument of that number, of a template that is known when the name is written: so does GNU.
    Argument(usize),
    /// A parameter as it is written, within a constraint.
    ParameterText(Span),
    /// A parameter of a template whose arguments come later; its number in [`Tree::forwards`].
    Forward(u32),
    /// Arguments that `T_` stands for, one at a time where a pack is expanded.
    Pack(List),
    /// Arguments of a pack.
    PackArgs(List),
    /// `T...`
    Expansion(Id),
    /// `$T0`
    Invented { kind: Invented, number: u32 },
    /// `typename T`
    TypeParameter(Id),
    /// `constraint T`
    ConstrainedParameter { constraint: Id, name: Id },
    /// `int N`
    ValueParameter { ty: Id, name: Id },
    /// `template<params> typename TT`
    TemplateParameter { name: Id, params: List, requires: Option<Id> },
    /// `typename ...T`
    PackParameter(Id),
    /// An argument whose parameter is said.
    ArgumentOf { argument: Id },
    // Expressions.
    /// `a + b`
    Binary { operator: &'static Operator, left: Id, right: Id },
    /// `-a`
    Prefix { operator: &'static Operator, operand: Id },
    /// `a++`
    Postfix { operator: &'static Operator, operand: Id },
    /// `a[b]`
    Subscript { array: Id, index: Id },
    /// `a.b`
    Member { operator: &'static Operator, object: Id, member: Id },
    /// `new (placement) T(init)`, of which all but the type is in [`Node::NewTail`].
    New { is_global: bool, is_array: bool, ty: Id, tail: Id },
    /// The lists of a `new`.
    NewTail { placement: List, init: List, has_init: bool },
    /// `delete a`
    Delete { is_global: bool, is_array: bool, operand: Id },
    /// `f(args)`
    Call { callee: Id, args: List },
    /// `(T)(a, b)`
    Cast { ty: Id, operands: List },
    /// `(T)(a)`, an offset from one class to another.
    MemberCast { ty: Id, operand: Id },
    /// `c ? a : b`
    Conditional { condition: Id, yes: Id, no: Id },
    /// `static_cast<T>(a)`
    NamedCast { operator: &'static Operator, ty: Id, operand: Id },
    /// `sizeof (a)`, `decltype(a)`
    Enclosed { prefix: &'static str, operand: Id },
    /// `sizeof (a)` and the like by operators.
    Of { operator: &'static Operator, operand: Id },
    /// Nodes in a row, as one.
    Several(List),
    /// `sizeof...(T)`
    SizeofPack(Id),
    /// `fp0`; the level is counted from the innermost parameters.
    Parameter { number: Span },
    /// `T{a, b}`
    Braces { ty: Option<Id>, items: List },
    /// `.a = b`, `[a] = b`
    Designated { target: Id, init: Id, is_index: bool },
    /// `[a ... b] = c`
    DesignatedRange { first: Id, last: Id, init: Id },
    /// `(a + ...)`; a left fold has its pack on the right.
    Fold { operator: &'static Operator, pack: Id, init: Option<Id>, is_left: bool },
    /// `throw a`
    Throw(Id),
    /// `a.<T at offset n>`
    Subobject { ty: Id, operand: Id, offset: Span },
    /// `requires (params) { … }`
    Requires { params: List, requirements: List },
    /// ` e;`, ` {e} noexcept -> T;`
    ExpressionRequirement { operand: Id, is_noexcept: bool, ty: Option<Id> },
    /// ` typename T;`
    TypeRequirement(Id),
    /// ` requires e;`
    NestedRequirement(Id),
    // Literals.
    /// `1ul`
    Integer { ty: LiteralType, digits: Span },
    /// `(E)1`
    Enumerator { ty: Id, digits: Span },
    /// `true`
    Bool(bool),
    /// `0x1.8p+0`
    Float { ty: FloatType, digits: Span },
    /// `"<char const [4]>"`
    StringLiteral(Id),
    /// `[](int){...}`
    LambdaLiteral(Id),
    /// `nullptr`
    Nullptr,
}
