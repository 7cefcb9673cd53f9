//! One YAML document, read by the rules of YAML 1.1 that kubectl keeps: `0644` is 420.

use super::{Document, MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES, excess, split::Piece};
use crate::fault::{Fault, Place};
use serde_json::Value;
use serde_saphyr::{Options, UserMessageFormatter};

/// Expanded aliases count as nodes: a small file must not become a large value.
const MAX_ALIASED: usize = 10_000;

/// The document, nothing where it is null, or its first fault.
pub(super) fn parse(file: &str, piece: &Piece<'_>) -> Option<Result<Document, Fault>> {
    let refuse = |place, message: String| Some(Err(Fault::manifest(file, place, message)));
    match serde_saphyr::from_str_with_options::<Value>(piece.text, options()) {
        Ok(Value::Null) => None,
        Ok(value) => match excess(&value) {
            Some(message) => refuse(Place::Document { document: piece.number }, message),
            None => {
                let (number, line) = (piece.number, piece.first_line());
                Some(Ok(Document { number, line, value }))
            }
        },
        Err(error) => refuse(place(piece, &error), words(&error)),
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_nodes: MAX_NODES,
            max_events: 2 * MAX_NODES,
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_documents: 1,
            max_total_scalar_bytes: 2 * MAX_FILE_BYTES,
            max_recorded_anchor_events: MAX_NODES,
            max_recorded_anchor_bytes: 4 * MAX_FILE_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIASED,
            max_replay_stack_depth: 16,
        },
        legacy_octal_numbers: true,
        with_snippet: false,
    }
}

fn place(piece: &Piece<'_>, error: &serde_saphyr::Error) -> Place {
    let line = error.location().and_then(|location| usize::try_from(location.line()).ok());
    match line {
        Some(line) if line > 0 => {
            Place::Line { document: piece.number, line: piece.line + line - 1 }
        }
        Some(_) | None => Place::Document { document: piece.number },
    }
}

/// The parser's message without its own place, which counts from the document's first line.
fn words(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::MessageFormatter;
    let message = UserMessageFormatter.format_message(error.without_snippet());
    message.lines().next().unwrap_or("not YAML").to_owned()
}
