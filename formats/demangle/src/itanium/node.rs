//! The kinds of nodes of a [`Tree`](super::tree::Tree).

use super::ids::{NameSpan, NodeId, NodeList};
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
pub enum StdName {
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
    Text(NameSpan),
    /// `std::nullptr_t` as a type.
    NullptrType,
    /// `operator+`
    OperatorName(&'static Operator),
    /// `operator T`
    Conversion(NodeId),
    /// `operator"" _x`
    LiteralOperator(NodeId),
    /// `scope::name`
    Nested { scope: NodeId, name: NodeId },
    /// `scope::name` within an expression.
    Resolved { scope: NodeId, name: NodeId },
    /// `::name`
    Global(NodeId),
    /// `function::name`
    Local { function: NodeId, name: NodeId },
    /// A name within the default argument of the parameter (counted from the last) that the text
    /// says.
    InDefaultArgument { number: NameSpan, name: NodeId },
    /// The text of a string, named after its function.
    StringOf(NodeId),
    /// `scope::friend name`
    Friend { scope: NodeId, name: NodeId },
    /// `name<args>`
    Template { name: NodeId, args: NodeId },
    /// `<args>`
    TemplateArgs(NodeList),
    /// `name[abi:tag]`
    Tagged { name: NodeId, tag: NameSpan },
    /// Constructor of the class that the name is.
    Constructor(NodeId),
    /// Destructor of the class that the name is.
    Destructor(NodeId),
    /// `~T` within an expression.
    DestructorOf(NodeId),
    /// `'unnamed0'`
    Unnamed(NameSpan),
    /// `'lambda0'(…)`, with what follows in the next node: [`Node::LambdaBody`].
    Lambda { body: NodeId, number: NameSpan },
    /// `<decls> requires before (params) requires after`, the constraints in
    /// [`Node::LambdaConstraints`].
    LambdaBody { decls: NodeList, params: NodeList, constraints: Option<NodeId> },
    /// Those of its template parameters and those of its parameters.
    LambdaConstraints { before: Option<NodeId>, after: Option<NodeId> },
    /// `[a, b]`
    Bindings(NodeList),
    /// `std::string` and the like.
    Known(StdName),
    /// `std::basic_string<char, …>`: before a constructor.
    KnownInFull(StdName),
    /// `parent.name`, `parent:name`
    Module { parent: Option<NodeId>, name: NodeId, is_partition: bool },
    /// `name@module`
    InModule { module: NodeId, name: NodeId },
    // Things with a name.
    /// `vtable for name`
    Special { kind: Special, name: NodeId },
    /// `construction vtable for inner-in-outer`
    ConstructionVtable { inner: NodeId, outer: NodeId },
    /// `returns name(params) const &`, with the rest in [`Node::Signature`].
    Function { name: NodeId, returns: Option<NodeId>, signature: NodeId },
    /// What follows a function's name; `attributes` are conditions of `enable_if`.
    Signature {
        params: NodeList,
        qualifiers: Qualifiers,
        reference: RefQualifier,
        tail: Option<NodeId>,
    },
    /// `[enable_if:…]` and `requires …` of a function.
    SignatureTail { conditions: Option<NodeList>, requires: Option<NodeId> },
    /// `this T`
    ExplicitObject(NodeId),
    /// `name (.suffix)`
    Suffixed { name: NodeId, suffix: NameSpan },
    // Types.
    /// `T const`
    Qualified { ty: NodeId, qualifiers: Qualifiers },
    /// `T ext<args>`
    Vendor { ty: NodeId, text: NameSpan, args: Option<NodeId> },
    /// `T complex`, `T auto`
    Postfixed { ty: NodeId, text: &'static str },
    /// `struct T`
    Elaborated { kind: &'static str, ty: NodeId },
    /// `__underlying_type(T)`
    Transformed { name: NameSpan, ty: NodeId },
    /// `T<protocol>`
    ObjcProtocol { ty: NodeId, protocol: NameSpan },
    /// `T*`
    Pointer(NodeId),
    /// `T&`
    Reference(NodeId),
    /// `T&&`
    RightReference(NodeId),
    /// `T C::*`
    MemberPointer { class: NodeId, member: NodeId },
    /// `T [n]`
    Array { element: NodeId, length: Option<NodeId> },
    /// `T (params)`
    FunctionType { returns: NodeId, signature: NodeId, exceptions: Option<NodeId> },
    /// `noexcept(e)`
    Noexcept(NodeId),
    /// `throw(T, U)`
    Throws(NodeList),
    /// `T vector[n]`
    Vector { element: NodeId, length: Option<NodeId> },
    /// `pixel vector[n]`
    PixelVector(NodeId),
    /// `_Float16`
    BinaryFloat(NodeId),
    /// `_BitInt(n)`
    BitInt { bits: NodeId, is_signed: bool },
    // Templates.
    /// The parameter of a lambda that is `auto`, the first being 0.
    Auto(u32),
    /// The argument of that number, of a template that is known when the name is written: so does
    /// GNU.
    Argument(usize),
    /// A parameter as it is written, within a constraint.
    ParameterText(NameSpan),
    /// A parameter of a template whose arguments come later; its number in `Tree::forwards`.
    Forward(u32),
    /// Arguments that `T_` stands for, one at a time where a pack is expanded.
    Pack(NodeList),
    /// Arguments of a pack.
    PackArgs(NodeList),
    /// `T...`
    Expansion(NodeId),
    /// `$T0`
    Invented { kind: Invented, number: u32 },
    /// `typename T`
    TypeParameter(NodeId),
    /// `constraint T`
    ConstrainedParameter { constraint: NodeId, name: NodeId },
    /// `int N`
    ValueParameter { ty: NodeId, name: NodeId },
    /// `template<params> typename TT`
    TemplateParameter { name: NodeId, params: NodeList, requires: Option<NodeId> },
    /// `typename ...T`
    PackParameter(NodeId),
    /// An argument whose parameter is said.
    ArgumentOf { argument: NodeId },
    // Expressions.
    /// `a + b`
    Binary { operator: &'static Operator, left: NodeId, right: NodeId },
    /// `-a`
    Prefix { operator: &'static Operator, operand: NodeId },
    /// `a++`
    Postfix { operator: &'static Operator, operand: NodeId },
    /// `a[b]`
    Subscript { array: NodeId, index: NodeId },
    /// `a.b`
    Member { operator: &'static Operator, object: NodeId, member: NodeId },
    /// `new (placement) T(init)`, of which all but the type is in [`Node::NewTail`].
    New { is_global: bool, is_array: bool, ty: NodeId, tail: NodeId },
    /// The lists of a `new`.
    NewTail { placement: NodeList, init: NodeList, has_init: bool },
    /// `delete a`
    Delete { is_global: bool, is_array: bool, operand: NodeId },
    /// `f(args)`
    Call { callee: NodeId, args: NodeList },
    /// `(T)(a, b)`
    Cast { ty: NodeId, operands: NodeList },
    /// `(T)(a)`, an offset from one class to another.
    MemberCast { ty: NodeId, operand: NodeId },
    /// `c ? a : b`
    Conditional { condition: NodeId, yes: NodeId, no: NodeId },
    /// `static_cast<T>(a)`
    NamedCast { operator: &'static Operator, ty: NodeId, operand: NodeId },
    /// `sizeof (a)`, `decltype(a)`
    Enclosed { prefix: &'static str, operand: NodeId },
    /// `sizeof (a)` and the like by operators.
    Of { operator: &'static Operator, operand: NodeId },
    /// Nodes in a row, as one.
    Several(NodeList),
    /// `sizeof...(T)`
    SizeofPack(NodeId),
    /// `fp0`; the level is counted from the innermost parameters.
    Parameter { number: NameSpan },
    /// `T{a, b}`
    Braces { ty: Option<NodeId>, items: NodeList },
    /// `.a = b`, `[a] = b`
    Designated { target: NodeId, init: NodeId, is_index: bool },
    /// `[a ... b] = c`
    DesignatedRange { first: NodeId, last: NodeId, init: NodeId },
    /// `(a + ...)`; a left fold has its pack on the right.
    Fold { operator: &'static Operator, pack: NodeId, init: Option<NodeId>, is_left: bool },
    /// `throw a`
    Throw(NodeId),
    /// `a.<T at offset n>`
    Subobject { ty: NodeId, operand: NodeId, offset: NameSpan },
    /// `requires (params) { … }`
    Requires { params: NodeList, requirements: NodeList },
    /// ` e;`, ` {e} noexcept -> T;`
    ExpressionRequirement { operand: NodeId, is_noexcept: bool, ty: Option<NodeId> },
    /// ` typename T;`
    TypeRequirement(NodeId),
    /// ` requires e;`
    NestedRequirement(NodeId),
    // Literals.
    /// `1ul`
    Integer { ty: LiteralType, digits: NameSpan },
    /// `(E)1`
    Enumerator { ty: NodeId, digits: NameSpan },
    /// `true`
    Bool(bool),
    /// `0x1.8p+0`
    Float { ty: FloatType, digits: NameSpan },
    /// `"<char const [4]>"`
    StringLiteral(NodeId),
    /// `[](int){...}`
    LambdaLiteral(NodeId),
    /// `nullptr`
    Nullptr,
}
