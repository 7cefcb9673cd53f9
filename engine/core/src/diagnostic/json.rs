//! Diagnostics for machines. The field names are stable.

use super::{Diagnostic, Position, SourceFile};
use serde::Serialize;

/// One finding; lines and columns count from 1, columns in characters, the end is exclusive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JsonDiagnostic {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub end_line: usize,
    pub end_column: usize,
    pub code: &'static str,
    pub severity: &'static str,
    pub message: String,
    pub label: String,
    pub help: Option<String>,
}

/// Every finding of one file, in the order given.
pub fn json(file: &SourceFile, diagnostics: &[Diagnostic]) -> Vec<JsonDiagnostic> {
    let offset = file.mark_bytes();
    let mut walk = Walk { file, offset, position: file.position(offset) };
    diagnostics
        .iter()
        .map(|diagnostic| {
            let start = walk.to(diagnostic.primary.span.start);
            let end = walk.to(diagnostic.primary.span.end);
            walk.to(diagnostic.primary.span.start);
            entry(file, diagnostic, (start, end))
        })
        .collect()
}

fn entry(
    file: &SourceFile,
    diagnostic: &Diagnostic,
    (start, end): (Position, Position),
) -> JsonDiagnostic {
    JsonDiagnostic {
        file: file.path().to_owned(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        code: diagnostic.code.word(),
        severity: diagnostic.severity.word(),
        message: diagnostic.message.clone(),
        label: diagnostic.primary.text.clone(),
        help: diagnostic.help.clone(),
    }
}

/// Counts columns from where it last was, so that many findings in one long line cost one pass.
struct Walk<'a> {
    file: &'a SourceFile,
    offset: usize,
    position: Position,
}

impl Walk<'_> {
    fn to(&mut self, offset: usize) -> Position {
        let offset = offset.max(self.file.mark_bytes());
        let line = self.file.line_of(offset);
        let (from, to) = (self.offset.min(offset), self.offset.max(offset));
        let between = self.file.text().get(from..to);
        self.position = match between {
            Some(between) if line == self.position.line && self.offset <= offset => {
                Position { line, column: self.position.column + between.chars().count() }
            }
            Some(between) if line == self.position.line => {
                Position { line, column: self.position.column - between.chars().count() }
            }
            _ => self.file.position(offset),
        };
        self.offset = offset;
        self.position
    }
}
