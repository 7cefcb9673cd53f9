//! The functions of expressions: their names, what they take, what comes of them, and an example of
//! each. None of them reads the time.

use super::{SourceFault, kinds::Kind};
use crate::{diagnostic::quoted, language::closest};

/// One function.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    pub name: &'static str,
    pub form: Form,
    /// What it takes; of a method the first is what it is called on.
    takes: &'static [Takes],
    gives: Kind,
    /// An expression, and its value as JSON.
    pub example: (&'static str, &'static str),
}

/// How it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `size(x)`
    Function,
    /// `x.size()`
    Method,
}

/// What may stand at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Text,
    /// What has a size.
    Sized,
    /// What this function can read; the value tells.
    Some,
}

const fn method(
    name: &'static str,
    takes: &'static [Takes],
    gives: Kind,
    example: (&'static str, &'static str),
) -> Function {
    Function { name, form: Form::Method, takes, gives, example }
}

const fn function(
    name: &'static str,
    takes: &'static [Takes],
    gives: Kind,
    example: (&'static str, &'static str),
) -> Function {
    Function { name, form: Form::Function, takes, gives, example }
}

/// Every function, in the order of the reference.
pub const FUNCTIONS: &[Function] = &[
    function("size", &[Takes::Sized], Kind::Number, ("size([1, 2])", "2")),
    method("size", &[Takes::Sized], Kind::Number, ("'text'.size()", "4")),
    method(
        "contains",
        &[Takes::Text, Takes::Text],
        Kind::Boolean,
        ("'web:v7'.contains(':')", "true"),
    ),
    method(
        "startsWith",
        &[Takes::Text, Takes::Text],
        Kind::Boolean,
        ("'v7'.startsWith('v')", "true"),
    ),
    method(
        "endsWith",
        &[Takes::Text, Takes::Text],
        Kind::Boolean,
        ("'v7-rc'.endsWith('-rc')", "true"),
    ),
    method(
        "matches",
        &[Takes::Text, Takes::Text],
        Kind::Boolean,
        ("'v7'.matches('^v[0-9]+$')", "true"),
    ),
    function(
        "matches",
        &[Takes::Text, Takes::Text],
        Kind::Boolean,
        ("matches('v7', '^v')", "true"),
    ),
    function("string", &[Takes::Some], Kind::Text, ("string(7)", "\"7\"")),
    function("int", &[Takes::Some], Kind::Number, ("int('7')", "7")),
    function("uint", &[Takes::Some], Kind::Number, ("uint('7') == 7u", "true")),
    function("double", &[Takes::Some], Kind::Number, ("double('0.5')", "0.5")),
    function("bool", &[Takes::Some], Kind::Boolean, ("bool('true')", "true")),
    function("bytes", &[Takes::Some], Kind::Any, ("size(bytes('é'))", "2")),
    function("type", &[Takes::Some], Kind::Any, ("type(7) == int", "true")),
    function("duration", &[Takes::Some], Kind::Any, ("duration('90s') > duration('1m')", "true")),
    function(
        "timestamp",
        &[Takes::Some],
        Kind::Any,
        ("timestamp('2026-12-24T18:00:00Z') < timestamp('2026-12-25T00:00:00Z')", "true"),
    ),
    method(
        "getFullYear",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:00Z').getFullYear()", "2026"),
    ),
    method(
        "getMonth",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:00Z').getMonth()", "11"),
    ),
    method(
        "getDayOfWeek",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:00Z').getDayOfWeek()", "4"),
    ),
    method(
        "getDate",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:00Z').getDate()", "24"),
    ),
    method(
        "getDayOfMonth",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:00Z').getDayOfMonth()", "23"),
    ),
    method(
        "getDayOfYear",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:00Z').getDayOfYear()", "357"),
    ),
    method(
        "getHours",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:00Z').getHours()", "18"),
    ),
    method(
        "getMinutes",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:30:00Z').getMinutes()", "30"),
    ),
    method(
        "getSeconds",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:05Z').getSeconds()", "5"),
    ),
    method(
        "getMilliseconds",
        &[Takes::Some],
        Kind::Number,
        ("timestamp('2026-12-24T18:00:00.250Z').getMilliseconds()", "250"),
    ),
];

/// What a call comes to; or that there is no such function, or none that takes this.
pub(super) fn called(name: &str, is_method: bool, kinds: &[Kind]) -> Result<Kind, SourceFault> {
    let form = if is_method { Form::Method } else { Form::Function };
    let named: Vec<&Function> = FUNCTIONS.iter().filter(|it| it.name == name).collect();
    let Some(function) = named.iter().find(|it| it.form == form) else {
        return Err(unknown(name, named.first().copied()));
    };
    if function.takes.len() != kinds.len() {
        let hidden = usize::from(is_method);
        let (takes, given) = (function.takes.len() - hidden, kinds.len() - hidden);
        let message = format!("{} takes {}, not {given}", quoted(name), arguments(takes));
        return Err(SourceFault { message, help: Some(function.shown()) });
    }
    let misfit = function.takes.iter().zip(kinds).find(|(takes, kind)| !takes.fits(**kind));
    match misfit {
        None => Ok(function.gives),
        Some((_, kind)) => {
            let message = format!("{} does not work with {}", quoted(name), kind.words());
            Err(SourceFault { message, help: Some(function.shown()) })
        }
    }
}

fn unknown(name: &str, other_form: Option<&Function>) -> SourceFault {
    let message = format!("there is no function {}", quoted(name));
    let near = || closest(name, FUNCTIONS.iter().map(|it| it.name));
    let help = match other_form {
        Some(function) => function.shown(),
        None => match near() {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let mut names: Vec<&str> = FUNCTIONS.iter().map(|it| it.name).collect();
                names.dedup();
                format!("known are {}", names.join(", "))
            }
        },
    };
    SourceFault { message, help: Some(help) }
}

fn arguments(count: usize) -> String {
    match count {
        0 => "no argument".to_owned(),
        1 => "1 argument".to_owned(),
        more => format!("{more} arguments"),
    }
}

impl Function {
    fn shown(&self) -> String {
        format!("write it like `{}`", self.example.0)
    }
}

impl Takes {
    fn fits(self, kind: Kind) -> bool {
        match (self, kind) {
            (_, Kind::Any) | (Takes::Some, _) => true,
            (Takes::Text, kind) => kind == Kind::Text,
            (Takes::Sized, kind) => matches!(kind, Kind::Text | Kind::List | Kind::Map),
        }
    }
}
