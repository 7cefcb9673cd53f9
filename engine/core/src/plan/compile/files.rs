//! The files of a node: found, pinned by content, and few enough.

use super::stages::Compiler;
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    expression::{Use, look},
    files::{FileRequest, Found},
    id::BlobName,
    limits::{READ_BYTES, READ_LINES, READS},
    pipeline::{Action, Config, more},
};
use std::collections::BTreeMap;

/// The files of one node.
#[derive(Default)]
pub(super) struct Pinned {
    pub(super) files: BTreeMap<String, BlobName>,
    pub(super) patterns: BTreeMap<String, Vec<String>>,
    /// Where patterns stand for which nothing was found.
    pub(super) missing: Vec<Span>,
}

/// What the nodes so far read.
#[derive(Default)]
pub(super) struct Read {
    files: usize,
    bytes: usize,
    lines: usize,
}

impl Compiler<'_> {
    /// Nothing, once all nodes together read too many.
    pub(super) fn pin(&mut self, action: &Action) -> Option<Pinned> {
        let mut pinned = Pinned::default();
        for request in action.files(self.registry) {
            match self.files.found(&request.pattern) {
                Found::Paths(paths) => {
                    self.read.files += paths.len();
                    let help = "read fewer files, or split the file into several pipelines";
                    let limit = (READS, "files are read by stages");
                    if let Some(fault) = more(self.read.files, limit, action.key_span, help) {
                        self.faults.push(fault);
                        return None;
                    }
                    self.pin_paths(&mut pinned, request, paths);
                }
                Found::Nothing { reason } => {
                    let span = action.value_span(&request.place);
                    pinned.missing.push(span);
                    if request.pattern.contains("${{") {
                        self.faults.extend(unknown_path(action, &request, span));
                        continue;
                    }
                    let message = format!("nothing to read at {}", quoted(&request.pattern));
                    self.faults.push(Diagnostic::error(Code::E011, span, message).help(reason));
                }
            }
        }
        Some(pinned)
    }

    /// Counts what a stage type is going to look into; nothing, once that is too much.
    pub(super) fn afford(&mut self, pinned: &Pinned, action: &Action) -> Option<()> {
        for file in pinned.files.keys().filter_map(|path| self.files.file(path)) {
            self.read.bytes += file.content.len();
            self.read.lines += file.content.iter().filter(|byte| b"\n,".contains(byte)).count();
        }
        let help = "let stages that deploy the same share it, or split the file into several";
        let bytes = (READ_BYTES, "bytes of files are read by stages");
        let lines = (READ_LINES, "lines and commas of files are read by stages");
        let bytes = more(self.read.bytes, bytes, action.key_span, help);
        match bytes.or_else(|| more(self.read.lines, lines, action.key_span, help)) {
            Some(fault) => {
                self.faults.push(fault);
                None
            }
            None => Some(()),
        }
    }

    fn pin_paths(&self, pinned: &mut Pinned, request: FileRequest, paths: Vec<String>) {
        let known = |path: &String| Some((path.clone(), self.files.file(path)?.name.clone()));
        pinned.files.extend(paths.iter().filter_map(known));
        pinned.patterns.insert(request.pattern, paths);
    }
}

/// A path that only a run can tell is refused; one that hangs on a parameter without a value yet
/// is not judged.
fn unknown_path(action: &Action, request: &FileRequest, span: Span) -> Option<Diagnostic> {
    let Config::Sound(config) = &action.config else { return None };
    let sources = config.expressions().into_iter().filter(|it| it.place == request.place);
    let is_late = sources.map(|it| it.source).any(|source| {
        look(source, Use::Value)
            .is_ok_and(|looked| looked.reads.iter().any(|read| read.path[0] != "parameters"))
    });
    let message = "what is read must be known when the run starts";
    let help = "use parameters, or put the choice into `when` of several stages";
    is_late.then(|| Diagnostic::error(Code::E005, span, message).help(help))
}
