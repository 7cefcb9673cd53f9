//! What the parts of the platform's files say of each other.

mod people;
mod places;
mod rules;
mod sources;

use super::{PlatformText, text::IncludedText};
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    language::{Node, Walk, closest},
};

/// A place in a file, by the keys and numbers that lead there.
#[derive(Clone, Copy)]
enum Way<'a> {
    Key(&'a str),
    Item(usize),
}

/// One of the files: its tree, and what of it could be read.
pub(super) struct Part<'a> {
    pub(super) root: &'a Node,
    pub(super) walk: Walk<'a>,
    pub(super) text: IncludedText,
}

/// What the files say together, beside what each one says.
struct Whole<'a> {
    text: &'a PlatformText,
    parts: &'a [Part<'a>],
}

/// By file. Of what could be read: where `people` is at fault, nothing is said of their names.
pub(super) fn faults(text: &PlatformText, parts: &[Part<'_>]) -> Vec<Vec<Diagnostic>> {
    let whole = Whole { text, parts };
    let mut faults = vec![Vec::new(); parts.len()];
    for (at, part) in parts.iter().enumerate() {
        if whole.is_sound("people") {
            people::faults(&whole, part, &mut faults[at]);
        }
        if whole.is_sound("sources") {
            sources::faults(&whole, part, &mut faults[at]);
        }
    }
    if let (Some(main), Some(faults)) = (parts.first(), faults.first_mut()) {
        places::faults(&whole, main, faults);
        if whole.is_sound("environments") {
            rules::faults(&whole, main, faults);
        }
    }
    if whole.is_sound("people") {
        people::repeated(&whole, &mut faults);
    }
    if whole.is_sound("sources") {
        sources::shared(&whole, &mut faults);
    }
    faults
}

impl Whole<'_> {
    /// Whether what stands under a key could be read in every file.
    fn is_sound(&self, key: &str) -> bool {
        self.parts
            .iter()
            .all(|part| part.root.entry(key).is_none_or(|entry| part.walk.is_sound(&entry.value)))
    }
}

impl Part<'_> {
    fn node(&self, way: &[Way<'_>]) -> &Node {
        let mut node = self.root;
        for step in way {
            let next = match step {
                Way::Key(key) => node.entry(key).map(|entry| &*entry.value),
                Way::Item(index) => node.items().get(*index).map(|item| &**item),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node
    }

    fn span(&self, way: &[Way<'_>]) -> Span {
        self.node(way).span
    }

    /// Where the key itself stands.
    fn key_span(&self, (way, key): (&[Way<'_>], &str)) -> Span {
        let node = self.node(way);
        node.entry(key).map_or(node.span, |entry| entry.key.span)
    }
}

fn unknown<'a>(
    (what, remedy): (&str, &str),
    (name, place): (&str, Span),
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<Diagnostic> {
    if known.clone().any(|it| it == name) {
        return None;
    }
    let help = match closest(name, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => remedy.to_owned(),
    };
    let message = format!("there is no {what} {}", quoted(name));
    Some(Diagnostic::error(Code::E007, place, message).help(help))
}
