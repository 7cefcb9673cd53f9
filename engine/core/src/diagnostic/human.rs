//! Diagnostics for people: the line, a caret under the place, the remedy.
//!
//! The form is part of the language's reference. No crate prints it, and none cuts a long line
//! around its place, so it is drawn here.

use super::{Diagnostic, Label, Severity, SourceFile, Span, cut, quote::visible};
use unicode_width::UnicodeWidthChar;

/// Findings that are drawn; of the rest the number is told.
const SHOWN: usize = 100;
/// Further places of one finding that are drawn.
const PLACES: usize = 16;
/// Characters of a message that are drawn.
const SENTENCE: usize = 1_000;
/// Characters of a line that are drawn, and how many of them stand before the place.
const LINE: usize = 100;
const BEFORE: usize = 40;

/// Whether the output may hold terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    Always,
    Never,
}

/// Every finding as a block of lines, and a line that counts them.
pub fn human(file: &SourceFile, diagnostics: &[Diagnostic], colour: Colour) -> String {
    let mut drawn = String::new();
    for diagnostic in diagnostics.iter().take(SHOWN) {
        Drawing { file, colour, gutter: gutter(file, diagnostic) }.draw(diagnostic, &mut drawn);
        drawn.push('\n');
    }
    if let Some(more @ 1..) = diagnostics.len().checked_sub(SHOWN) {
        drawn.push_str(&format!("and {more} more\n"));
    }
    drawn + &summary(file, diagnostics)
}

/// Such as `2 errors and 1 warning in .gennaker/checkout.yaml`, with a line break; empty if there
/// are none.
pub fn summary(file: &SourceFile, diagnostics: &[Diagnostic]) -> String {
    let counted = [Severity::Error, Severity::Warning].map(|severity| {
        let count = diagnostics.iter().filter(|it| it.severity == severity).count();
        (count, severity.word())
    });
    let counted = counted.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = counted
        .map(|(count, word)| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
        .collect();
    match words.is_empty() {
        true => String::new(),
        false => format!("{} in {}\n", words.join(" and "), cut(file.path(), LINE)),
    }
}

/// The width of the largest line number.
fn gutter(file: &SourceFile, diagnostic: &Diagnostic) -> usize {
    let labels = std::iter::once(&diagnostic.primary).chain(&diagnostic.secondary);
    let last = labels.map(|label| file.line_of(label.span.start)).max().unwrap_or(1);
    last.to_string().len()
}

struct Drawing<'a> {
    file: &'a SourceFile,
    colour: Colour,
    gutter: usize,
}

/// What is drawn of a line: the text, and the columns under which the marks go.
struct Window {
    text: String,
    indent: usize,
    width: usize,
}

impl Drawing<'_> {
    fn draw(&self, diagnostic: &Diagnostic, out: &mut String) {
        let title = format!("{}[{}]", diagnostic.severity.word(), diagnostic.code);
        let title = self.paint(&title, severity_style(diagnostic.severity));
        let message = self.paint(&format!(": {}", sentence(&diagnostic.message)), BOLD);
        let at = self.file.position(diagnostic.primary.span.start);
        let path = cut(self.file.path(), LINE);
        let indent = " ".repeat(self.gutter);
        let corner = self.paint("┌─", FRAME);
        push_line(out, &format!("{title}{message}"));
        push_line(out, &format!("{indent} {corner} {path}:{}:{}", at.line, at.column));
        self.labels(diagnostic, out);
        if let Some(help) = &diagnostic.help {
            let bar = self.paint("=", FRAME);
            push_line(out, &format!("{indent} {bar} help: {}", sentence(help)));
        }
    }

    /// The primary place first, the others in the order of the file.
    fn labels(&self, diagnostic: &Diagnostic, out: &mut String) {
        self.label(&diagnostic.primary, ("^", severity_style(diagnostic.severity)), out);
        for label in diagnostic.secondary.iter().take(PLACES) {
            self.label(label, ("-", FRAME), out);
        }
        if let Some(more @ 1..) = diagnostic.secondary.len().checked_sub(PLACES) {
            let indent = " ".repeat(self.gutter);
            push_line(out, &format!("{indent} {} and {more} more", self.paint("=", FRAME)));
        }
    }

    fn label(&self, label: &Label, (mark, style): (&str, &str), out: &mut String) {
        let number = self.file.line_of(label.span.start);
        let window = window(self.file, self.file.line_span(number), label.span);
        let shown = format!("{number:>width$}", width = self.gutter);
        let bar = self.paint("│", FRAME);
        push_line(out, &format!("{} {bar} {}", self.paint(&shown, FRAME), window.text));
        let marks = format!("{} {}", mark.repeat(window.width), sentence(&label.text));
        let marks = self.paint(marks.trim_end(), style);
        let (gutter, indent) = (" ".repeat(self.gutter), " ".repeat(window.indent));
        push_line(out, &format!("{gutter} {bar} {indent}{marks}"));
    }

    fn paint(&self, text: &str, style: &str) -> String {
        match self.colour {
            Colour::Never => text.to_owned(),
            Colour::Always => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        }
    }
}

/// Text that may come from elsewhere, on one line.
fn sentence(text: &str) -> String {
    cut(&text.replace('\n', " "), SENTENCE)
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

const BOLD: &str = "1";
const FRAME: &str = "1;34";

fn severity_style(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "1;31",
        Severity::Warning => "1;33",
    }
}

/// The part of a line around `span`. Costs what is drawn, not what the line measures.
fn window(file: &SourceFile, line: Span, span: Span) -> Window {
    let text = file.text();
    let start = text.floor_char_boundary(span.start).clamp(line.start, line.end);
    let end = span.end.clamp(start, line.end);
    let (head, rest) = (&text[line.start..start], &text[start..line.end]);
    let before = head.chars().rev().take(BEFORE).map(char::len_utf8).sum::<usize>();
    let first = start - before;
    let mut window = Window { text: String::new(), indent: 0, width: 0 };
    if first > line.start {
        window.push('…', 0);
    }
    text[first..start].chars().for_each(|character| window.push(character, 0));
    window.indent = columns(&window.text);
    let kept = rest.char_indices().take(LINE - BEFORE);
    let mut drawn = 0;
    for (at, character) in kept {
        window.push(character, usize::from(start + at < end));
        drawn = at + character.len_utf8();
    }
    if drawn < rest.len() {
        window.push('…', 0);
    }
    window.width = window.width.max(1);
    window
}

impl Window {
    fn push(&mut self, character: char, marked: usize) {
        let character = visible(character);
        self.text.push(character);
        self.width += marked * character.width().unwrap_or(0);
    }
}

fn columns(text: &str) -> usize {
    text.chars().map(|character| character.width().unwrap_or(0)).sum()
}
