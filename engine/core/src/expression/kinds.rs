//! What kind of value an expression comes to, as far as that can be told without any values, and
//! what in it can never work: unknown functions, wrong numbers of arguments, texts compared with
//! numbers.

use super::{SourceFault, bounds::inner, functions, reads};
use crate::diagnostic::quoted;
use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};

/// The kind of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only a value can tell.
    Any,
    Text,
    Number,
    Boolean,
    List,
    Map,
    Null,
}

/// What kind of value stands at a path such as `parameters.version`.
pub type KindOf<'a> = &'a dyn Fn(&[String]) -> Kind;

const ORDERS: [&str; 4] =
    [operators::LESS, operators::LESS_EQUALS, operators::GREATER, operators::GREATER_EQUALS];
const COMPUTES: [&str; 5] = [
    operators::SUBSTRACT,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::NEGATE,
];

/// The kind of `root`, or the first thing in it that cannot work.
pub(super) fn of(root: &Expr, known: KindOf<'_>) -> Result<Kind, SourceFault> {
    Judge { known, bound: Vec::new() }.kind(root)
}

/// Names that comprehensions have bound, and the kinds of all others. An expression is at most some
/// dozens of levels deep when it gets here.
struct Judge<'a> {
    known: KindOf<'a>,
    bound: Vec<(&'a str, Kind)>,
}

impl<'a> Judge<'a> {
    fn kind(&mut self, expression: &'a Expr) -> Result<Kind, SourceFault> {
        if let Some(path) = reads::plain(expression) {
            return self.named(&path);
        }
        match expression {
            Expr::Call(call) => self.call(call),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
            Expr::Literal(literal) => Ok(literal_kind(literal)),
            Expr::List(_) => self.parts(expression).map(|()| Kind::List),
            Expr::Map(_) => self.parts(expression).map(|()| Kind::Map),
            Expr::Select(select) if select.test => self.parts(expression).map(|()| Kind::Boolean),
            Expr::Select(select) => {
                self.fields(&select.operand.expr, &select.field)?;
                Ok(Kind::Any)
            }
            Expr::Struct(of) => Err(SourceFault {
                message: format!("there is no type {}", quoted(&of.type_name)),
                help: Some("a map is written `{\"key\": value}`".to_owned()),
            }),
            Expr::Ident(_) | Expr::Unspecified => Ok(Kind::Any),
        }
    }

    /// The kind of what is named by a path.
    fn named(&self, path: &[String]) -> Result<Kind, SourceFault> {
        match self.bound.iter().rev().find(|(name, _)| *name == path[0]) {
            Some((_, kind)) if path.len() == 1 => return Ok(*kind),
            Some(_) => return Ok(Kind::Any),
            None => {}
        }
        for length in 1..path.len() {
            match (self.known)(&path[..length]) {
                Kind::Any | Kind::Map => {}
                other => return Err(no_field(other, &path[length])),
            }
        }
        Ok((self.known)(path))
    }

    fn parts(&mut self, expression: &'a Expr) -> Result<(), SourceFault> {
        inner(expression).into_iter().try_for_each(|part| self.kind(&part.expr).map(drop))
    }

    /// Refuses to look for fields in what has none.
    fn fields(&mut self, operand: &'a Expr, field: &str) -> Result<(), SourceFault> {
        match self.kind(operand)? {
            Kind::Any | Kind::Map => Ok(()),
            other => Err(no_field(other, field)),
        }
    }

    fn comprehension(&mut self, it: &'a ComprehensionExpr) -> Result<Kind, SourceFault> {
        match self.kind(&it.iter_range.expr)? {
            Kind::Any | Kind::List | Kind::Map => {}
            other => {
                let words = other.words();
                return Err(SourceFault::plain(format!("{words} has no elements to go through")));
            }
        }
        let start = self.kind(&it.accu_init.expr)?;
        let before = self.bound.len();
        self.bound.push((&it.iter_var, Kind::Any));
        self.bound.extend(it.iter_var2.as_deref().map(|name| (name, Kind::Any)));
        self.bound.push((&it.accu_var, start));
        let body = [&it.loop_cond, &it.loop_step].map(|part| &part.expr);
        let judged = body.into_iter().try_for_each(|part| self.kind(part).map(drop));
        let result = judged.and_then(|()| self.kind(&it.result.expr));
        self.bound.truncate(before);
        result
    }

    fn call(&mut self, call: &'a CallExpr) -> Result<Kind, SourceFault> {
        let parts = call.target.as_deref().into_iter().chain(&call.args);
        let kinds = parts.map(|part| self.kind(&part.expr)).collect::<Result<Vec<_>, _>>()?;
        match (call.func_name.as_str(), kinds.as_slice()) {
            (operators::LOGICAL_AND, both) => all_hold(both, "&&"),
            (operators::LOGICAL_OR, both) => all_hold(both, "||"),
            (operators::LOGICAL_NOT, one) => all_hold(one, "!"),
            (operators::NOT_STRICTLY_FALSE, _) => Ok(Kind::Boolean),
            (operators::EQUALS | operators::NOT_EQUALS, [one, other]) => equal(*one, *other),
            (name, [one, other]) if ORDERS.contains(&name) => ordered(*one, *other),
            (operators::ADD, [one, other]) => sum(*one, *other),
            (name, kinds) if COMPUTES.contains(&name) => computed(kinds, name.trim_matches('_')),
            (operators::CONDITIONAL, [condition, one, other]) => {
                all_hold(&[*condition], "?")?;
                Ok(if one == other { *one } else { Kind::Any })
            }
            (operators::IN, [_, within]) => contained(*within),
            (operators::INDEX, [operand, key]) => indexed(*operand, *key),
            (operators::OPT_INDEX | operators::OPT_SELECT, _) => {
                Err(SourceFault::plain("`?` stands for nothing here: use `has()`"))
            }
            (name, kinds) => functions::called(name, call.target.is_some(), kinds),
        }
    }
}

fn no_field(kind: Kind, field: &str) -> SourceFault {
    SourceFault::plain(format!("{} has no {}", kind.words(), quoted(field)))
}

fn all_hold(kinds: &[Kind], operator: &str) -> Result<Kind, SourceFault> {
    match kinds.iter().find(|kind| !matches!(kind, Kind::Any | Kind::Boolean)) {
        None => Ok(Kind::Boolean),
        Some(other) => {
            let words = other.words();
            let message = format!("`{operator}` takes true or false, and {words} stands there");
            Err(SourceFault { message, help: Some("compare it with something".to_owned()) })
        }
    }
}

fn equal(one: Kind, other: Kind) -> Result<Kind, SourceFault> {
    match (one, other) {
        (Kind::Any | Kind::Null, _) | (_, Kind::Any | Kind::Null) => Ok(Kind::Boolean),
        (one, other) if one == other => Ok(Kind::Boolean),
        (one, other) => Err(never(one, other, "never equal")),
    }
}

fn ordered(one: Kind, other: Kind) -> Result<Kind, SourceFault> {
    match (one, other) {
        (Kind::List | Kind::Map | Kind::Null, _) | (_, Kind::List | Kind::Map | Kind::Null) => {
            Err(SourceFault::plain("lists, maps and null are neither more nor less than others"))
        }
        (Kind::Any, _) | (_, Kind::Any) => Ok(Kind::Boolean),
        (one, other) if one == other => Ok(Kind::Boolean),
        (one, other) => Err(never(one, other, "neither more nor less")),
    }
}

fn never(one: Kind, other: Kind, how: &str) -> SourceFault {
    let message = format!("{} and {} are {how}", one.words(), other.words());
    let help = match (one, other) {
        (Kind::Text, Kind::Number) | (Kind::Number, Kind::Text) => {
            "`int()` and `double()` read numbers of text, `string()` makes text of them"
        }
        (Kind::Text, Kind::Boolean) | (Kind::Boolean, Kind::Text) => {
            "`true` and `false` stand without quotes"
        }
        _ => "compare values of one kind",
    };
    SourceFault { message, help: Some(help.to_owned()) }
}

fn sum(one: Kind, other: Kind) -> Result<Kind, SourceFault> {
    match (one, other) {
        (Kind::Boolean | Kind::Map | Kind::Null, _)
        | (_, Kind::Boolean | Kind::Map | Kind::Null) => {
            Err(SourceFault::plain("`+` adds numbers, and joins texts and lists"))
        }
        (Kind::Any, known) | (known, Kind::Any) => Ok(known),
        (one, other) if one == other => Ok(one),
        (one, other) => {
            let message = format!("{} and {} cannot be added", one.words(), other.words());
            let help = "`string()` makes text of a number".to_owned();
            Err(SourceFault { message, help: Some(help) })
        }
    }
}

fn computed(kinds: &[Kind], operator: &str) -> Result<Kind, SourceFault> {
    match kinds.iter().find(|kind| !matches!(kind, Kind::Any | Kind::Number)) {
        Some(other) => {
            let message = format!("`{operator}` takes numbers, and {} stands there", other.words());
            Err(SourceFault::plain(message))
        }
        None if kinds.contains(&Kind::Number) => Ok(Kind::Number),
        None => Ok(Kind::Any),
    }
}

fn contained(within: Kind) -> Result<Kind, SourceFault> {
    match within {
        Kind::Any | Kind::List | Kind::Map => Ok(Kind::Boolean),
        Kind::Text => Err(SourceFault {
            message: "`in` looks into lists and maps, not into text".to_owned(),
            help: Some("write `text.contains(\"part\")`".to_owned()),
        }),
        Kind::Number | Kind::Boolean | Kind::Null => {
            Err(SourceFault::plain(format!("{} contains nothing", within.words())))
        }
    }
}

fn indexed(operand: Kind, key: Kind) -> Result<Kind, SourceFault> {
    match (operand, key) {
        (Kind::List, Kind::Any | Kind::Number) | (Kind::Any | Kind::Map, _) => Ok(Kind::Any),
        (Kind::List, other) => {
            let message = format!("a list is read by number, not by {}", other.words());
            Err(SourceFault::plain(message))
        }
        (other, _) => Err(SourceFault::plain(format!("{} has no elements to read", other.words()))),
    }
}

fn literal_kind(literal: &LiteralValue) -> Kind {
    match literal {
        LiteralValue::String(_) => Kind::Text,
        LiteralValue::Int(_) | LiteralValue::UInt(_) | LiteralValue::Double(_) => Kind::Number,
        LiteralValue::Boolean(_) => Kind::Boolean,
        LiteralValue::Null => Kind::Null,
        LiteralValue::Bytes(_) => Kind::Any,
    }
}

impl Kind {
    /// With its article, for messages.
    pub fn words(self) -> &'static str {
        match self {
            Kind::Any => "a value",
            Kind::Text => "text",
            Kind::Number => "a number",
            Kind::Boolean => "true or false",
            Kind::List => "a list",
            Kind::Map => "a map",
            Kind::Null => "null",
        }
    }
}
