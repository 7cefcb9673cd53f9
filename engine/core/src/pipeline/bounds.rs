//! Whether a file is small enough to be looked at: counted on the tree, before all that costs more.

use crate::{
    diagnostic::{Code, Diagnostic, Span},
    language::{Entry, Node},
    limits::{AXES, CELLS, IMAGES, NEEDS, OPTIONS, PARAMETERS, STAGES, TRIGGERS},
    wording::count,
};

const SPLIT: &str = "split it into several pipelines, which `pipeline` stages start";

/// What a file has too much of. It is not looked at any further.
pub(super) fn excess(root: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if let Some(entry) = root.entry("stages") {
        found.extend(entries(entry, (STAGES, "stages"), SPLIT));
        let needs = entry.value.entries().iter().filter_map(|stage| stage.value.entry("needs"));
        let needs: usize = needs.map(|needs| needs.value.items().len()).sum();
        let help = "let stages that wait for the same others wait for one that does";
        found.extend(more(needs, (NEEDS, "items of `needs`"), entry.key.span, help));
        let matrices = entry.value.entries().iter().filter_map(|it| it.value.entry("matrix"));
        found.extend(matrices.flat_map(matrix));
    }
    if let Some(entry) = root.entry("parameters") {
        let help = "let one parameter be a list, or name a file that holds the values";
        found.extend(entries(entry, (PARAMETERS, "parameters"), help));
        let options = entry.value.entries().iter().filter_map(|it| it.value.entry("options"));
        let help = "let a `pattern` say what may be chosen";
        found.extend(options.filter_map(|it| items(it, (OPTIONS, "`options`"), help)));
    }
    if let Some(entry) = root.entry("images") {
        found.extend(entries(entry, (IMAGES, "images"), SPLIT));
    }
    if let Some(entry) = root.entry("triggers") {
        found.extend(items(entry, (TRIGGERS, "triggers"), SPLIT));
    }
    found
}

fn matrix(entry: &Entry) -> Vec<Diagnostic> {
    let part = |name| entry.value.entry(name);
    let few = "a matrix has as many cells as the product of its axes";
    let axes = part("axes").and_then(|axes| entries(axes, (AXES, "axes"), few));
    let cells = ["include", "exclude"].into_iter().filter_map(part);
    let cells = cells.filter_map(|it| items(it, (CELLS, "cells"), "spread them over stages"));
    axes.into_iter().chain(cells).collect()
}

fn entries(entry: &Entry, limit: (usize, &str), help: &str) -> Option<Diagnostic> {
    more(entry.value.entries().len(), limit, entry.key.span, help)
}

fn items(entry: &Entry, limit: (usize, &str), help: &str) -> Option<Diagnostic> {
    more(entry.value.items().len(), limit, entry.key.span, help)
}

/// The fault of having `found` of something, if that is more than there may be.
pub(crate) fn more(
    found: usize,
    (most, what): (usize, &str),
    span: Span,
    help: &str,
) -> Option<Diagnostic> {
    let message = || format!("{} {what}, at most {} may be", count(found), count(most));
    (found > most).then(|| Diagnostic::error(Code::E015, span, message()).help(help))
}
