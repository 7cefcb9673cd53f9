//! Values of others within a command that a shell reads.

use crate::{
    diagnostic::{Code, Diagnostic, quoted},
    expression::{Piece, Use, look, pieces},
    language::{Content, Node},
    pipeline::Stage,
};

const JOB: &str = "job";
const SHELLS: [&str; 8] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "busybox", "pwsh"];
/// What somebody else may choose.
const FOREIGN: [&str; 2] = ["parameters", "trigger"];

/// W114, for each text of a shell's command.
pub(super) fn warnings(stage: &Stage) -> Vec<Diagnostic> {
    let jobs = stage.actions.iter().filter(|action| action.stage_type == JOB);
    jobs.flat_map(|job| commands(&job.node)).filter_map(warning).collect()
}

/// What a shell reads of a job's command line: all that follows the flag `-c`.
fn commands(job: &Node) -> Vec<&Node> {
    let items = |key: &str| job.entry(key).map_or(&[][..], |entry| entry.value.items());
    let (command, args) = (items("command"), items("args"));
    let is_shell = |word: &str| SHELLS.contains(&word.rsplit('/').next().unwrap_or(word));
    // Without a command the image's entry point may well be a shell.
    let shell = command.iter().any(|word| text(word).is_some_and(is_shell)) || command.is_empty();
    let words = command.iter().chain(args);
    let is_flag =
        |word: &str| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    let mut rest = words.skip_while(|word| !text(word).is_some_and(is_flag));
    match (shell, rest.next()) {
        (true, Some(_)) => rest.map(|word| &**word).collect(),
        (true, None) | (false, _) => Vec::new(),
    }
}

fn text(node: &Node) -> Option<&str> {
    match &node.content {
        Content::Scalar { text, .. } => Some(text),
        Content::List(_) | Content::Map(_) | Content::Told => None,
    }
}

fn warning(command: &Node) -> Option<Diagnostic> {
    let pieces = pieces(text(command)?).ok()?;
    let read = pieces.iter().find_map(|piece| match piece {
        Piece::Expression(source) => foreign(source),
        Piece::Text(_) | Piece::Secret(_) => None,
    })?;
    let message = format!("a shell reads {} as a part of its program", quoted(&read));
    let help = "hand it over by `env`, and write `\"$NAME\"` in the command";
    Some(Diagnostic::warning(Code::W114, command.span, message).help(help))
}

/// What an expression reads of that which others choose.
fn foreign(source: &str) -> Option<String> {
    let reads = look(source, Use::Value).ok()?.reads;
    let found = reads.into_iter().find(|read| FOREIGN.contains(&read.path[0].as_str()))?;
    Some(found.written())
}
