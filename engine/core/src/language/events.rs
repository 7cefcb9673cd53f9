//! From parser events to the tree, within the limits that a hostile file cannot stretch.

use super::{
    mapping::Mapping,
    scalar::{self, Reading},
    tree::{Content, Node, Tree},
};
use crate::{
    diagnostic::{Code, Diagnostic, Flaw, SourceFile, Span, cut, quoted},
    limits::{ALIASES, DEPTH, TEXT_BYTES, VALUES},
};
use serde_saphyr::granit_parser::{self, ErrorKind, Event, Parser, ScalarStyle, ScanError};
use std::{collections::HashMap, sync::Arc};

pub(super) fn read(file: &SourceFile) -> Tree {
    if let Some(flaw) = file.flaw() {
        return Tree { root: None, faults: vec![flawed(flaw)] };
    }
    let mut builder = Builder { text: file.text(), base: file.mark_bytes(), ..Builder::default() };
    if let Err(fault) = builder.run() {
        builder.faults.push(*fault);
    }
    if builder.root.is_none() && builder.faults.is_empty() {
        builder.faults.push(empty());
    }
    Tree { root: builder.root, faults: builder.faults }
}

fn flawed(flaw: &Flaw) -> Diagnostic {
    match flaw {
        Flaw::TooLarge => unreadable(Span::at(0), "the file is larger than 512 KiB")
            .help("split it into several pipelines"),
        Flaw::NotUtf8(span) => unreadable(*span, "the file is not UTF-8")
            .label("the first bytes that are not")
            .help("save it as UTF-8"),
        Flaw::Nul(span) => unreadable(*span, "the file holds a NUL character")
            .help("remove it; is this a text file, saved as UTF-8?"),
    }
}

fn empty() -> Diagnostic {
    Diagnostic::error(Code::E016, Span::at(0), "the file is empty")
        .help("a pipeline has at least `version: 1`, `name` and `stages`")
}

/// What a node costs of the limits.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    text_bytes: usize,
    height: usize,
}

struct Anchored {
    node: Arc<Node>,
    size: Size,
}

/// A collection that has begun and not ended.
struct Open {
    span: Span,
    anchor: usize,
    height: usize,
    nodes_before: Size,
    parts: Parts,
}

enum Parts {
    List(Vec<Arc<Node>>),
    Map(Mapping),
}

/// A fault after which nothing of the file can be read.
type Fatal = Box<Diagnostic>;

#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    base: usize,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    aliases: usize,
    used: Size,
    documents: usize,
    root: Option<Arc<Node>>,
    faults: Vec<Diagnostic>,
}

impl Builder<'_> {
    fn run(&mut self) -> Result<(), Fatal> {
        let mut options = granit_parser::Options::default();
        options.set_emit_comments(false);
        let text = &self.text[self.base..];
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            let tag = span.tag_span().map(|tag| self.span(tag));
            if let Some(tag) = tag {
                self.faults.push(tagged(tag, self.text));
            }
            self.take(event, self.span(span), tag.is_some())?;
        }
        Ok(())
    }

    fn take(&mut self, event: Event<'_>, span: Span, tagged: bool) -> Result<(), Fatal> {
        match event {
            Event::DocumentStart(..) => self.begin_document(span),
            Event::Scalar(text, style, anchor, _) => {
                let read = self.scalar(&text, style, span);
                let content = if tagged { Content::Told } else { read };
                let node = Arc::new(Node { span, content });
                let size = Size { nodes: 1, text_bytes: text.len(), height: 0 };
                self.spend(span, size)?;
                self.add(node, anchor, size);
                Ok(())
            }
            Event::SequenceStart(_, anchor, _) => self.begin(span, anchor, Parts::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.begin(span, anchor, Parts::Map(Mapping::default()))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.end(span);
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            // Ends, and what the parser was told not to give: comments, names of anchors.
            _ => Ok(()),
        }
    }

    fn begin_document(&mut self, span: Span) -> Result<(), Fatal> {
        self.documents += 1;
        if self.documents == 1 {
            return Ok(());
        }
        let fault = unreadable(span, "the file holds several YAML documents")
            .label("the second begins here")
            .help("one file is one pipeline: move the others into files of their own");
        Err(Box::new(fault))
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> Content {
        // The parser writes `~` where nothing is written.
        let text = if span.start == span.end { "" } else { text };
        let reading = match style {
            ScalarStyle::Plain => scalar::plain(text),
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Reading::Text,
        };
        Content::Scalar { text: text.into(), reading }
    }

    fn begin(&mut self, span: Span, anchor: usize, parts: Parts) -> Result<(), Fatal> {
        if self.open.len() >= DEPTH {
            return Err(too_deep(span));
        }
        let nodes_before = self.used;
        self.spend(span, Size { nodes: 1, ..Size::default() })?;
        self.open.push(Open { span, anchor, height: 0, nodes_before, parts });
        Ok(())
    }

    fn end(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { return };
        let content = match open.parts {
            Parts::List(items) => Content::List(items),
            Parts::Map(mapping) => Content::Map(mapping.finish(&mut self.faults)),
        };
        let size = Size {
            nodes: self.used.nodes - open.nodes_before.nodes,
            text_bytes: self.used.text_bytes - open.nodes_before.text_bytes,
            height: open.height + 1,
        };
        let end = span.end.max(open.span.end);
        let span = Span { start: open.span.start, end: self.trimmed(open.span.start, end) };
        self.add(Arc::new(Node { span, content }), open.anchor, size);
    }

    /// Puts a finished node where it belongs.
    fn add(&mut self, node: Arc<Node>, anchor: usize, size: Size) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { node: Arc::clone(&node), size });
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(open) => {
                open.height = open.height.max(size.height);
                match &mut open.parts {
                    Parts::List(items) => items.push(node),
                    Parts::Map(mapping) => mapping.add(node, &mut self.faults),
                }
            }
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Fatal> {
        self.aliases += 1;
        if self.aliases > ALIASES {
            return Err(Box::new(unreadable(span, "the file has more than 100 aliases")));
        }
        let Some(anchored) = self.anchors.get(&anchor) else {
            let fault = unreadable(span, "an alias stands within what it names")
                .help("move the anchor to a value that has ended before the alias");
            return Err(Box::new(fault));
        };
        let (node, size) = (Arc::clone(&anchored.node), anchored.size);
        if self.open.len() + size.height > DEPTH {
            return Err(too_deep(span));
        }
        self.spend(span, size)?;
        self.add(node, 0, size);
        Ok(())
    }

    fn spend(&mut self, span: Span, size: Size) -> Result<(), Fatal> {
        self.used.nodes += size.nodes;
        self.used.text_bytes += size.text_bytes;
        let expanded = "once its aliases are expanded";
        if self.used.nodes > VALUES {
            let message = format!("the file holds more than 20,000 values {expanded}");
            return Err(Box::new(unreadable(span, message)));
        }
        if self.used.text_bytes > TEXT_BYTES {
            let message = format!("the file holds more than 1 MiB of text {expanded}");
            return Err(Box::new(unreadable(span, message)));
        }
        Ok(())
    }

    fn syntax(&self, error: &ScanError) -> Fatal {
        let at = self.base + error.marker().byte_offset().unwrap_or_default();
        let at = self.text.floor_char_boundary(at.min(self.text.len()));
        if *error.kind() == ErrorKind::RecursionLimitExceeded {
            return too_deep(Span::at(at));
        }
        let reason = cut(&error.info(), 200);
        let fault = unreadable(Span::at(at), format!("this is not YAML: {reason}"));
        let line = self.text[..at].rfind('\n').map_or(0, |end| end + 1);
        Box::new(if self.text[line..at].contains("${{") {
            fault.help("quote texts that hold `${{ … }}`")
        } else {
            fault
        })
    }

    fn span(&self, span: granit_parser::Span) -> Span {
        let bytes = span.byte_range().unwrap_or_default();
        Span { start: bytes.start + self.base, end: bytes.end.max(bytes.start) + self.base }
    }

    /// The end of a collection without the blank that follows it.
    fn trimmed(&self, start: usize, end: usize) -> usize {
        let text = self.text.get(start..end).unwrap_or_default();
        start + text.trim_end().len()
    }
}

fn unreadable(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::E015, span, message)
}

fn too_deep(span: Span) -> Fatal {
    Box::new(unreadable(span, "the file is more than 32 levels deep"))
}

fn tagged(span: Span, text: &str) -> Diagnostic {
    let tag = quoted(text.get(span.start..span.end).unwrap_or_default());
    Diagnostic::error(Code::E016, span, format!("tags such as {tag} are not part of the language"))
        .help("remove it; quote the value if it is meant as text")
}
