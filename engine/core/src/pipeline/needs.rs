//! Whether what stages need exists, and whether they could ever start.

use super::{PlacedNeed, Stage};
use crate::{
    diagnostic::{Code, Diagnostic, SourceFile, Span, quoted},
    language::closest,
    plan::{GraphError, graph},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Rings that are told of one file.
const RINGS: usize = 16;
/// Unknown stages for which a known one is looked for.
const SUGGESTIONS: usize = 100;

pub(super) fn check(stages: &[Stage], file: &SourceFile, faults: &mut Vec<Diagnostic>) {
    let ids: BTreeMap<&str, Span> =
        stages.iter().map(|stage| (stage.id.as_str(), stage.span)).collect();
    let mut suggestions = SUGGESTIONS;
    for stage in stages {
        let mut seen = HashSet::new();
        for need in &stage.needs {
            if !ids.contains_key(need.need.stage.as_str()) {
                let near = near(&need.need.stage, &ids, &mut suggestions);
                faults.push(unknown(stage, need, near.map(|near| (near, ids[near], file))));
            } else if !seen.insert(&need.need.stage) {
                faults.push(repeated(stage, need));
            }
        }
    }
    rings(stages, faults);
}

fn near<'a>(word: &str, ids: &BTreeMap<&'a str, Span>, left: &mut usize) -> Option<&'a str> {
    *left = left.checked_sub(1)?;
    closest(word, ids.keys().copied())
}

fn unknown(
    stage: &Stage,
    need: &PlacedNeed,
    near: Option<(&str, Span, &SourceFile)>,
) -> Diagnostic {
    let message =
        format!("stage {} needs unknown stage {}", quoted(&stage.id), quoted(&need.need.stage));
    let help = near.map(|(near, span, file)| {
        format!("did you mean `{near}` (line {})?", file.line_of(span.start))
    });
    Diagnostic::error(Code::E002, need.span, message).label("no stage has this id").maybe_help(help)
}

fn repeated(stage: &Stage, need: &PlacedNeed) -> Diagnostic {
    let needed = quoted(&need.need.stage);
    let message = format!("stage {} needs {needed} twice", quoted(&stage.id));
    Diagnostic::error(Code::E016, need.span, message).help("remove one of the two")
}

/// Tells every ring, up to a limit: once told, a ring is taken apart and the next looked for.
fn rings(stages: &[Stage], faults: &mut Vec<Diagnostic>) {
    let ids: Vec<&str> = stages.iter().map(|stage| stage.id.as_str()).collect();
    let positions: HashMap<&str, usize> =
        ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut needs: Vec<Vec<&str>> = stages
        .iter()
        .map(|stage| stage.needs.iter().map(|need| need.need.stage.as_str()).collect())
        .collect();
    for _ in 0..RINGS {
        let ring = match graph::order(&ids, &needs) {
            Err(GraphError::Ring { ring }) if ring.len() > 1 => ring,
            Err(_) | Ok(_) => return,
        };
        for pair in ring.windows(2) {
            if let Some(at) = positions.get(pair[0].as_str()) {
                needs[*at].retain(|need| *need != pair[1]);
            }
        }
        faults.extend(told(&ring, stages, &positions));
    }
}

/// The ring as a fault: every need in it has its place.
fn told(ring: &[String], stages: &[Stage], positions: &HashMap<&str, usize>) -> Option<Diagnostic> {
    let mut places = ring.windows(2).filter_map(|pair| {
        let stage = stages.get(*positions.get(pair[0].as_str())?)?;
        let need = stage.needs.iter().find(|need| need.need.stage == pair[1])?;
        Some((need.span, format!("{} needs {}", quoted(&pair[0]), quoted(&pair[1]))))
    });
    let (first, label) = places.next()?;
    let message = match ring {
        [only, again] if only == again => format!("stage {} needs itself", quoted(only)),
        _ => format!("stages need each other in a ring: {}", path(ring)),
    };
    let fault = Diagnostic::error(Code::E003, first, message)
        .label(label)
        .help("take one of these needs away");
    Some(places.fold(fault, |fault, (span, text)| fault.also(span, text)))
}

/// A long ring is named by its beginning and its end; its places are labelled one by one.
fn path(ring: &[String]) -> String {
    const NAMED: usize = 12;
    let names: Vec<String> = ring.iter().map(|id| quoted(id)).collect();
    if names.len() <= NAMED {
        return names.join(" → ");
    }
    let middle = names.len() - NAMED;
    let (head, tail) = (&names[..NAMED - 2], &names[names.len() - 2..]);
    format!("{} → … {middle} more … → {}", head.join(" → "), tail.join(" → "))
}
