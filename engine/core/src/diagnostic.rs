//! What is wrong with a file, where, and what to do about it, in every form in which it is told.

mod code;
mod github;
mod human;
mod json;
mod quote;
mod sarif;
mod source;

pub use code::{Code, Example};
pub use github::github;
pub use human::{Colour, human, summary};
pub use json::{JsonDiagnostic, json};
pub use quote::{cut, quoted};
pub use sarif::sarif;
pub(crate) use source::Flaw;
pub use source::{Position, SourceFile};

use crate::limits::FAULTS;

/// A stretch of a file: bytes from its first (a byte-order mark counts), end exclusive, always on
/// character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub start: usize,
    pub end: usize,
}

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The file does not become a plan.
    Error,
    /// The file becomes a plan, and probably not the one that was meant.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    pub primary: Label,
    pub secondary: Vec<Label>,
    /// What to do, without a full stop.
    pub help: Option<String>,
}

/// A place in the file and what is to be said about it; the text may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

impl Diagnostic {
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Error, span, message)
    }

    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, Severity::Warning, span, message)
    }

    fn new(code: Code, severity: Severity, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity,
            message: message.into(),
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            help: None,
        }
    }

    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.primary.text = text.into();
        self
    }

    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// The same with `text`, if there is one to give.
    #[must_use]
    pub fn maybe_help(self, text: Option<String>) -> Diagnostic {
        match text {
            Some(text) => self.help(text),
            None => self,
        }
    }
}

/// Whether there is an error among them, so that the file does not become a plan.
pub fn has_errors(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|it| it.severity == Severity::Error)
}

/// Diagnostics in the order of the file, each once.
pub fn in_file_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by(|one, other| {
        let key = |it: &Diagnostic| (it.primary.span.start, it.code, it.primary.span.end);
        key(one).cmp(&key(other)).then_with(|| one.message.cmp(&other.message))
    });
    diagnostics.dedup_by(|one, other| {
        one.code == other.code
            && one.primary.span == other.primary.span
            && one.message == other.message
    });
    few(diagnostics)
}

/// What is told after as many as are told.
const MANY: &str = "the file has more to be told than this";

/// The first of them, and that there are others: an error if one of these is.
fn few(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let is_last = |it: &Diagnostic| it.code == Code::E015 && it.message == MANY;
    if diagnostics.len() <= FAULTS && !diagnostics.iter().any(is_last) {
        return diagnostics;
    }
    let left = diagnostics.iter().skip(FAULTS);
    let left = left.chain(diagnostics.iter().filter(|it| is_last(it)));
    let severity = match left.map(|it| it.severity).any(|it| it == Severity::Error) {
        true => Severity::Error,
        false => Severity::Warning,
    };
    diagnostics.retain(|it| !is_last(it));
    diagnostics.truncate(FAULTS);
    let at = diagnostics.last().map_or(0, |last| last.primary.span.start);
    let last = Diagnostic::new(Code::E015, severity, Span::at(at), MANY);
    diagnostics.push(last.help("mend these first"));
    diagnostics
}

impl Span {
    pub fn at(offset: usize) -> Span {
        Span { start: offset, end: offset }
    }
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}
