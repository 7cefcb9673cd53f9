//! Image references of a whole pipeline, which every deploy uses that has a use for them.

use super::Pipeline;
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    language::{Node, Walk},
    template::{Readiness, Scope, Segment, Template},
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// One entry of `images`.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// A repository's full name, or its last part.
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) reference: Template,
    pub(crate) span: Span,
}

/// Those that could be read.
pub(super) fn read(root: &Node, walk: &Walk<'_>) -> Vec<Image> {
    let entries = root.entry("images").into_iter().flat_map(|it| it.value.entries());
    let sound = entries.filter(|entry| walk.is_sound(&entry.value));
    let image = |entry: &crate::language::Entry| {
        let text = entry.value.value();
        Some(Image {
            key: entry.key.text.to_string(),
            key_span: entry.key.span,
            reference: Template::text(text.as_str()?).ok()?,
            span: entry.value.span,
        })
    };
    sound.filter_map(image).collect()
}

/// Puts in what is known at a start, and answers with the references that are known then, by their
/// digests where these are known too.
pub(super) fn bind(
    (images, digests): (&mut [Image], &BTreeMap<String, String>),
    (ready, scope): (&dyn Fn(&str) -> Readiness, &Scope),
    faults: &mut Vec<Diagnostic>,
) -> Map<String, Value> {
    let mut known = Map::new();
    for image in images {
        let mut failed = Vec::new();
        image.reference.bind_early(ready, scope, &mut failed);
        let message = |error: String| Diagnostic::error(Code::E005, image.span, error);
        faults.extend(failed.into_iter().map(|(_, error)| message(error.to_string())));
        match image.reference.preview() {
            Value::String(text) if image.reference.is_literal() => {
                let text = match digests.get(&text) {
                    Some(resolved) => {
                        image.reference = Template::Text(vec![Segment::Text(resolved.clone())]);
                        resolved.clone()
                    }
                    None => text,
                };
                known.insert(image.key.clone(), Value::String(text));
            }
            Value::String(_) => {}
            _ => {
                let message = format!("image {} must come to a text", quoted(&image.key));
                faults.push(Diagnostic::error(Code::E016, image.span, message));
            }
        }
    }
    known
}

impl Pipeline {
    /// The same, where these references stand for images by digest: to be called before it is bound.
    #[must_use]
    pub fn with_digests(mut self, digests: BTreeMap<String, String>) -> Pipeline {
        self.digests = digests;
        self
    }

    pub(crate) fn digests(&self) -> &BTreeMap<String, String> {
        &self.digests
    }

    pub(crate) fn images(&self) -> &[Image] {
        &self.images
    }

    /// E017 for images of which no deploy has a use, and that no expression reads.
    pub(crate) fn unused_images(&self, used: &BTreeSet<String>) -> Vec<Diagnostic> {
        let unused =
            |image: &&Image| !used.contains(&image.key) && !self.images_read.contains(&image.key);
        let fault = |image: &Image| {
            let message = format!("{} matches no image of any deploy", quoted(&image.key));
            Diagnostic::error(Code::E017, image.key_span, message)
                .help("a key is an image's repository without tag, or the last part of it")
        };
        self.images.iter().filter(unused).map(fault).collect()
    }
}
