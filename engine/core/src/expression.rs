//! Expressions: CEL behind limits, in `${{ }}` and in conditions.
//!
//! Whatever stands in a file is hostile: parser and evaluator of `cel` have no limits of their own.
//! Sources are short, the parsed form is bounded in size, depth and nesting before it is used, what
//! it may cost is estimated from the values before it runs, and all of it happens on a large stack.

mod bounds;
mod desk;
mod evaluate;
mod functions;
mod kinds;
mod reads;
mod segments;
mod shape;

pub use desk::remembering;
pub use evaluate::{EvaluationError, evaluate, told};
pub use functions::{FUNCTIONS, Form, Function};
pub use kinds::{Kind, KindOf};
pub use reads::{Guard, Read};
pub use segments::{Piece, is_secret_name, pieces};
pub use shape::Shape;

use cel::{Program, common::ast::Expr};
use desk::Parsed;

/// A source above this size, in bytes, is refused.
pub const SOURCE_LIMIT: usize = 1024;

/// What an expression is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Its value is put somewhere.
    Value,
    /// It holds or not.
    Condition,
}

/// What can be said of an expression without any values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// What it reads, each once.
    pub reads: Vec<Read>,
}

/// Why a source is no expression; fragments for a diagnostic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceFault {
    pub message: String,
    pub help: Option<String>,
}

/// Parses `source` and holds it against the limits, knowing nothing of the kinds of what it reads.
pub fn look(source: &str, usage: Use) -> Result<Looked, SourceFault> {
    look_over(source, usage, &|_| Kind::Any)
}

/// The same, over values whose kinds are known.
pub fn look_over(source: &str, usage: Use, known: KindOf<'_>) -> Result<Looked, SourceFault> {
    parsed(source, |parsed| {
        let expression = parsed.expression();
        parsed.check(usage)?;
        let kind = match (surely(expression), kinds::of(expression, known)?) {
            (Some(kind), _) => Some(kind),
            (None, Kind::Any | Kind::Boolean) => None,
            (None, other) => Some(other.words()),
        };
        if let (Use::Condition, Some(kind)) = (usage, kind) {
            let help = "compare it: `parameters.count > 0`".to_owned();
            let message = format!("the condition is {kind}, not true or false");
            return Err(SourceFault { message, help: Some(help) });
        }
        Ok(Looked { reads: parsed.reads().to_vec() })
    })
}

/// Works on the parsed form, on a stack that is large enough for parsing, walking and dropping it.
fn parsed<T>(
    source: &str,
    work: impl FnOnce(&Parsed) -> Result<T, SourceFault>,
) -> Result<T, SourceFault> {
    if source.trim().is_empty() {
        return Err(SourceFault::plain("the expression is empty"));
    }
    if source.len() > SOURCE_LIMIT {
        let message = format!("the expression has more than {SOURCE_LIMIT} bytes");
        return Err(SourceFault { message, help: Some("split it into several stages".to_owned()) });
    }
    let parse = || match Program::compile(source) {
        Ok(program) => Ok(Parsed::new(program)),
        Err(errors) => Err(syntax(&errors.errors)),
    };
    desk::roomy(|| work(&*desk::parsed(source, parse)?))
}

fn syntax(errors: &[cel::ParseError]) -> SourceFault {
    let words = errors.first().map_or("", |error| error.msg.as_str());
    // The parser lists every token that it would have taken; its own is what helps.
    let words = match words.split('\'').nth(1) {
        Some("<EOF>") => "it ends too early".to_owned(),
        Some(token) => format!("{} is not expected there", crate::diagnostic::quoted(token)),
        None => crate::diagnostic::cut(words.lines().next().unwrap_or_default(), 120),
    };
    SourceFault::plain(format!("the expression does not compile: {words}"))
}

/// The kind of a value that is certainly no boolean.
fn surely(expression: &Expr) -> Option<&'static str> {
    use cel::common::ast::{LiteralValue, operators};
    match expression {
        Expr::List(_) => Some("a list"),
        Expr::Map(_) | Expr::Struct(_) => Some("a map"),
        Expr::Literal(LiteralValue::Boolean(_)) => None,
        Expr::Literal(LiteralValue::String(_)) => Some("text"),
        Expr::Literal(LiteralValue::Null) => Some("null"),
        Expr::Literal(_) => Some("a number"),
        Expr::Call(call) => {
            let arithmetic = [
                operators::ADD,
                operators::SUBSTRACT,
                operators::MULTIPLY,
                operators::DIVIDE,
                operators::MODULO,
                operators::NEGATE,
                "size",
            ];
            arithmetic.contains(&call.func_name.as_str()).then_some("a computed value")
        }
        Expr::Unspecified | Expr::Comprehension(_) | Expr::Ident(_) | Expr::Select(_) => None,
    }
}

impl SourceFault {
    fn plain(message: impl Into<String>) -> SourceFault {
        SourceFault { message: message.into(), help: None }
    }
}

#[cfg(test)]
mod tests;
