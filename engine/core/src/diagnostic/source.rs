//! A file as it was read: its path, its text, and where its lines begin.

use super::Span;

/// One file of the author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    path: String,
    text: String,
    /// Byte offsets of the first character of each line.
    lines: Vec<usize>,
    flaw: Option<Flaw>,
}

/// A place as people count: lines and characters from 1. A byte-order mark is no character, CR LF
/// is one line break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// Why the content is no text to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// More than [`SourceFile::MAX_BYTES`]; the rest was dropped.
    TooLarge,
    NotUtf8(Span),
    Nul(Span),
}

impl SourceFile {
    /// What a pipeline file may measure. Of a larger file it is enough to read one byte more.
    pub const MAX_BYTES: usize = crate::limits::FILE_BYTES;

    /// Takes any content; what is wrong with it is told when it is read as a pipeline.
    pub fn new(path: impl Into<String>, content: &[u8]) -> SourceFile {
        let kept = &content[..content.len().min(SourceFile::MAX_BYTES)];
        let text = String::from_utf8_lossy(kept).into_owned();
        let flaw = flaw(content, &text);
        SourceFile { path: path.into(), lines: line_starts(&text), text, flaw }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where byte `offset` stands.
    pub fn position(&self, offset: usize) -> Position {
        let line = self.line_of(offset);
        let start = self.lines[line - 1];
        let before = self.text.get(start..offset.max(start)).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }

    pub(crate) fn flaw(&self) -> Option<&Flaw> {
        self.flaw.as_ref()
    }

    /// How many bytes of byte-order mark stand before the text.
    pub(crate) fn mark_bytes(&self) -> usize {
        self.lines[0]
    }

    /// The number of the line in which byte `offset` stands, from 1. Costs less than a position
    /// where lines are long.
    pub(crate) fn line_of(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset).max(1)
    }

    /// The bytes of a line without its break; `line` counts from 1.
    pub(super) fn line_span(&self, line: usize) -> Span {
        let start = self.lines[line - 1];
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        let content = self.text[start..end].trim_end_matches(['\r', '\n']);
        Span { start, end: start + content.len() }
    }
}

fn flaw(content: &[u8], text: &str) -> Option<Flaw> {
    if content.len() > SourceFile::MAX_BYTES {
        return Some(Flaw::TooLarge);
    }
    if let Err(error) = std::str::from_utf8(content) {
        let at = error.valid_up_to();
        return Some(Flaw::NotUtf8(Span { start: at, end: at + '\u{fffd}'.len_utf8() }));
    }
    text.find('\0').map(|at| Flaw::Nul(Span { start: at, end: at + 1 }))
}

fn line_starts(text: &str) -> Vec<usize> {
    let first = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let bytes = text.as_bytes();
    let breaks = bytes.iter().enumerate().filter(|(at, byte)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    std::iter::once(first).chain(breaks.map(|(at, _)| at + 1)).collect()
}
