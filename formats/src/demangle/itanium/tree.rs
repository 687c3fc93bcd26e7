//! What a C++ name says, as a tree: in, nodes from the parser; out, nodes for the printer, by number.
//!
//! Nodes are shared (a substitution is a second edge to the same node), so the tree is a graph, and what it prints can be
//! exponentially longer than it is. Nodes only refer to older ones, except for [`Node::Forward`].

use std::num::NonZeroU32;

use super::operators::{Operator, Precedence};

/// A node's number, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id(NonZeroU32);

impl Id {
    /// Its place among the nodes.
    #[inline]
    pub fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

/// Bytes of the mangled name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// After the last byte.
    pub end: u32,
}

impl Span {
    /// The bytes of `input` that this is.
    pub fn of(self, input: &[u8]) -> &[u8] {
        input.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Nodes in a row: parameters, arguments.
#[derive(Clone, Copy, Debug, Default)]
pub struct List {
    start: u32,
    end: u32,
}

impl List {
    /// Has it none?
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// How many there are.
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

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

/// Is it so? Of a pack that depends on which of its types is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is not.
    No,
    /// It is.
    Yes,
    /// The printer has to look.
    Depends,
}

/// What a node looks like from outside, which decides where spaces and parentheses go.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Does part of it stand right of the name that it declares?
    pub has_right: Answer,
    /// Is it an array?
    pub is_array: Answer,
    /// Is it a function?
    pub is_function: Answer,
}

impl Shape {
    const PLAIN: Self = Self { has_right: Answer::No, is_array: Answer::No, is_function: Answer::No };
    const DEPENDS: Self = Self { has_right: Answer::Depends, is_array: Answer::Depends, is_function: Answer::Depends };
    const RIGHT: Self = Self { has_right: Answer::Yes, ..Self::PLAIN };
    const ARRAY: Self = Self { is_array: Answer::Yes, ..Self::RIGHT };
    const FUNCTION: Self = Self { is_function: Answer::Yes, ..Self::RIGHT };
}

/// A reference to an argument that had not been read yet.
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// The argument's number.
    pub index: usize,
    /// The argument.
    pub target: Option<Id>,
}

/// All nodes of one name.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<(Node, Shape)>,
    members: Vec<Id>,
    /// References to arguments that come later.
    pub forwards: Vec<Forward>,
    /// Is it to be written as GNU does?
    pub is_gnu: bool,
}

impl Tree {
    /// Forgets all nodes.
    pub fn clear(&mut self) {
        self.nodes.clear();
        self.members.clear();
        self.forwards.clear();
    }

    /// Adds a node. `None` if there are more than `max` nodes.
    pub fn add(&mut self, node: Node, max: usize) -> Option<Id> {
        if self.nodes.len() >= max {
            return None;
        }
        let shape = self.shape_of(&node);
        self.nodes.push((node, shape));
        Some(Id(NonZeroU32::new(u32::try_from(self.nodes.len()).ok()?)?))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Keeps `ids` as a list.
    pub fn add_list(&mut self, ids: impl Iterator<Item = Id>) -> Option<List> {
        let start = u32::try_from(self.members.len()).ok()?;
        self.members.extend(ids);
        Some(List { start, end: u32::try_from(self.members.len()).ok()? })
    }

    /// The node of a number that [`Tree::add`] gave.
    #[inline]
    pub fn node(&self, id: Id) -> Node {
        self.nodes.get(id.index()).map_or(Node::Word(""), |&(node, _)| node)
    }

    /// Its shape.
    #[inline]
    pub fn shape(&self, id: Id) -> Shape {
        self.nodes.get(id.index()).map_or(Shape::PLAIN, |&(_, shape)| shape)
    }

    /// The list's nodes.
    pub fn list(&self, list: List) -> &[Id] {
        self.members.get(list.start as usize..list.end as usize).unwrap_or_default()
    }

    fn shape_of(&self, node: &Node) -> Shape {
        match *node {
            Node::Qualified { ty: inner, .. } | Node::Tagged { name: inner, .. } => self.shape(inner),
            Node::Vendor { ty, .. } if self.is_gnu => Shape { has_right: self.shape(ty).has_right, ..Shape::PLAIN },
            Node::Pointer(inner) | Node::Reference(inner) | Node::RightReference(inner) | Node::MemberPointer { member: inner, .. } => {
                Shape { has_right: self.shape(inner).has_right, ..Shape::PLAIN }
            }
            Node::Array { .. } => Shape::ARRAY,
            Node::Function { .. } | Node::FunctionType { .. } => Shape::FUNCTION,
            Node::Forward(_) | Node::Argument(_) => Shape::DEPENDS,
            Node::Pack(list) => {
                let all_lack = |answer: fn(Shape) -> Answer| {
                    let lack = self.list(list).iter().all(|&id| answer(self.shape(id)) == Answer::No);
                    if lack { Answer::No } else { Answer::Depends }
                };
                Shape {
                    has_right: all_lack(|shape| shape.has_right),
                    is_array: all_lack(|shape| shape.is_array),
                    is_function: all_lack(|shape| shape.is_function),
                }
            }
            Node::TypeParameter(_)
            | Node::ConstrainedParameter { .. }
            | Node::ValueParameter { .. }
            | Node::TemplateParameter { .. }
            | Node::PackParameter(_) => Shape::RIGHT,
            _ => Shape::PLAIN,
        }
    }

    /// How tightly an expression binds.
    pub fn precedence(&self, id: Id) -> Precedence {
        match self.node(id) {
            Node::Binary { operator, .. }
            | Node::Prefix { operator, .. }
            | Node::Postfix { operator, .. }
            | Node::Member { operator, .. }
            | Node::NamedCast { operator, .. }
            | Node::Of { operator, .. } => operator.precedence,
            Node::Subscript { .. } | Node::Call { .. } => Precedence::Postfix,
            Node::New { .. } | Node::Delete { .. } | Node::MemberCast { .. } => Precedence::Unary,
            Node::Enclosed { prefix: "noexcept ", .. } => Precedence::Unary,
            Node::Cast { .. } => Precedence::Cast,
            Node::Conditional { .. } => Precedence::Conditional,
            _ => Precedence::Primary,
        }
    }
}
