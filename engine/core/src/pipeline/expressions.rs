//! Whether the expressions of a file compile, and read only what they can see.

use super::{Action, Config, Parameter, Stage, Written};
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    expression::{Read, SourceFault, Use, look},
    language::{Content, Entry, Node, closest},
    template::Template,
};
use std::collections::{BTreeSet, HashMap};

/// What everything may read, and its fields.
const NAMES: [(&str, &[&str]); 4] = [
    ("run", &["id", "number", "startedAt"]),
    ("application", &["name", "labels"]),
    ("trigger", &["type", "actor"]),
    ("environment", &["name", "cluster", "namespace"]),
];
const ROOTS: [&str; 7] =
    ["parameters", "run", "application", "trigger", "environment", "stages", "matrix"];
const DASHED: &str = "an id with `-` is written";
/// What is known when a run starts.
const EARLY: [&str; 4] = ["parameters", "application", "trigger", "matrix"];

/// When an expression is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    Start,
    Stage,
}

/// The names of one file.
struct Names<'a> {
    parameters: &'a [Parameter],
    stages: HashMap<&'a str, &'a Stage>,
}

/// One expression, where it stands, and in whose stage.
struct Placed<'a> {
    stage: &'a Stage,
    source: &'a str,
    usage: Use,
    span: Span,
    time: Time,
}

pub(super) fn check(stages: &[Stage], parameters: &[Parameter]) -> Vec<Diagnostic> {
    let by_id = stages.iter().map(|stage| (stage.id.as_str(), stage)).collect();
    let names = Names { parameters, stages: by_id };
    let mut faults = Vec::new();
    for stage in stages {
        let broken: Vec<(Template, &Action)> = stage.actions.iter().filter_map(partial).collect();
        let mut placed = expressions(stage);
        for (template, action) in &broken {
            let span = |place: &[_]| Action::value_span(action, place);
            placed.extend(in_template(stage, template, span, Time::Stage));
        }
        faults.extend(placed.iter().flat_map(|placed| names.faults(placed)));
    }
    faults
}

/// How many expressions a file has.
pub(super) fn count(stages: &[Stage]) -> usize {
    stages.iter().map(|stage| expressions(stage).len()).sum()
}

/// The parameters that are read somewhere; none if it cannot be told.
pub(super) fn parameters_read(stages: &[Stage]) -> Option<BTreeSet<String>> {
    let mut read = BTreeSet::new();
    for placed in stages.iter().flat_map(expressions) {
        for path in look(placed.source, placed.usage).ok()?.reads.into_iter().map(|it| it.path) {
            match path.as_slice() {
                [root, id, ..] if root == "parameters" => drop(read.insert(id.clone())),
                [root] if root == "parameters" => return None,
                _ => {}
            }
        }
    }
    Some(read)
}

/// What can be read of a configuration that has faults, so that they do not hide others.
fn partial(action: &Action) -> Option<(Template, &Action)> {
    match &action.config {
        Config::Sound(_) => None,
        Config::Faulty => Some((written(&action.node), action)),
    }
}

fn written(node: &Node) -> Template {
    match &node.content {
        Content::List(items) => Template::List(items.iter().map(|item| written(item)).collect()),
        Content::Map(entries) => {
            let entry = |entry: &Entry| (entry.key.text.to_string(), written(&entry.value));
            Template::Map(entries.iter().map(entry).collect())
        }
        Content::Scalar { text, .. } => Template::text(text).unwrap_or(Template::Null),
        Content::Told => Template::Null,
    }
}

fn expressions(stage: &Stage) -> Vec<Placed<'_>> {
    let mut placed = Vec::new();
    if let Some((source, span)) = &stage.when {
        let (usage, time) = (Use::Condition, Time::Stage);
        placed.push(Placed { stage, source, usage, span: *span, time });
    }
    if let Written::Present(template, span) = &stage.environment {
        placed.extend(in_template(stage, template, |_| *span, Time::Start));
    }
    for axis in stage.matrix.iter().flat_map(|matrix| &matrix.axes) {
        placed.extend(in_template(stage, &axis.values, |_| axis.span, Time::Start));
    }
    for action in &stage.actions {
        if let Config::Sound(template) = &action.config {
            let span = |place: &[_]| Action::value_span(action, place);
            placed.extend(in_template(stage, template, span, Time::Stage));
        }
    }
    placed
}

fn in_template<'a>(
    stage: &'a Stage,
    template: &'a Template,
    span: impl Fn(&[crate::files::Step]) -> Span,
    time: Time,
) -> Vec<Placed<'a>> {
    let found = template.expressions().into_iter();
    found
        .map(|it| Placed { stage, source: it.source, usage: it.usage, span: span(&it.place), time })
        .collect()
}

impl Names<'_> {
    fn faults(&self, placed: &Placed<'_>) -> Vec<Diagnostic> {
        let looked = match look(placed.source, placed.usage) {
            Ok(looked) => looked,
            Err(SourceFault { message, help }) => {
                return vec![placed.fault(Code::E005, message).maybe_help(help)];
            }
        };
        let faults = looked.reads.iter().filter_map(|read| self.fault(placed, read));
        let faults: Vec<Diagnostic> = faults.collect();
        // Half an id is told; its other half would only confuse.
        let is_dashed =
            |fault: &&Diagnostic| fault.help.as_ref().is_some_and(|help| help.starts_with(DASHED));
        let dashed: Vec<Diagnostic> = faults.iter().filter(is_dashed).cloned().collect();
        if dashed.is_empty() { faults } else { dashed }
    }

    fn fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let root = read.path[0].as_str();
        if !ROOTS.contains(&root) {
            return Some(self.unknown_name(placed, root));
        }
        if placed.time == Time::Start && !EARLY.contains(&root) {
            let message = format!("{} is not known when a run starts", quoted(root));
            let help = format!("known then: {}", EARLY.join(", "));
            return Some(placed.fault(Code::E005, message).help(help));
        }
        match root {
            "parameters" => self.parameter_fault(placed, read),
            "stages" => self.stage_fault(placed, read),
            "matrix" => axis_fault(placed, read),
            _ => self.field_fault(placed, read),
        }
    }

    fn unknown_name(&self, placed: &Placed<'_>, name: &str) -> Diagnostic {
        let fault = placed.fault(Code::E005, format!("{} is not known here", quoted(name)));
        let help = if self.parameters.iter().any(|parameter| parameter.id == name) {
            Some(format!("write `parameters.{name}`"))
        } else if self.stages.contains_key(name) {
            Some(format!("write `stages.{name}.outputs`"))
        } else {
            closest(name, ROOTS).map(|near| format!("did you mean `{near}`?"))
        };
        fault.help(help.unwrap_or_else(|| format!("known here: {}", ROOTS.join(", "))))
    }

    fn parameter_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let id = read.path.get(1)?;
        if self.parameters.iter().any(|parameter| parameter.id == *id) {
            return None;
        }
        let known = || self.parameters.iter().map(|parameter| parameter.id.as_str());
        let fault = placed.fault(Code::E005, format!("there is no parameter {}", quoted(id)));
        let otherwise = format!("declare it: `parameters: {{{id}: {{type: string}}}}`");
        Some(fault.help(meant("parameters", id, known()).unwrap_or(otherwise)))
    }

    fn stage_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let id = read.path.get(1)?;
        let known = || self.stages.keys().copied();
        if !self.stages.contains_key(id.as_str()) {
            let fault = placed.fault(Code::E005, format!("there is no stage {}", quoted(id)));
            let otherwise = "stages are named by their id, the key under `stages`".to_owned();
            return Some(fault.help(meant("stages", id, known()).unwrap_or(otherwise)));
        }
        if !self.is_upstream(placed.stage, id) {
            let own = quoted(&placed.stage.id);
            let message = format!("stage {} is not upstream of {own}", quoted(id));
            let help = format!("add it to the `needs` of {own}, or of a stage that it needs");
            return Some(placed.fault(Code::E006, message).help(help));
        }
        self.known_field(placed, read.path.get(2)?, &["status", "outputs"])
    }

    fn field_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let root = read.path[0].as_str();
        if root == "environment" && matches!(placed.stage.environment, Written::Absent) {
            let message = "`environment` is not known here: the stage names none".to_owned();
            return Some(placed.fault(Code::E005, message));
        }
        let (_, fields) = NAMES.iter().find(|(name, _)| *name == root)?;
        self.known_field(placed, read.path.get(1)?, fields)
    }

    fn known_field(&self, placed: &Placed<'_>, field: &str, known: &[&str]) -> Option<Diagnostic> {
        if known.contains(&field) {
            return None;
        }
        let fault = placed.fault(Code::E005, format!("there is no field {}", quoted(field)));
        Some(fault.help(format!("known here: {}", known.join(", "))))
    }

    fn is_upstream(&self, stage: &Stage, wanted: &str) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![stage]);
        while let Some(stage) = open.pop() {
            for need in &stage.needs {
                let id = need.need.stage.as_str();
                if id == wanted {
                    return true;
                }
                if seen.insert(id) {
                    open.extend(self.stages.get(id));
                }
            }
        }
        false
    }
}

fn axis_fault(placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
    let Some(matrix) = &placed.stage.matrix else {
        let message = "`matrix` is not known here: the stage has none".to_owned();
        return Some(placed.fault(Code::E005, message));
    };
    let name = read.path.get(1)?;
    let known = || matrix.axes.iter().map(|axis| axis.name.as_str());
    if known().any(|axis| axis == name) {
        return None;
    }
    let fault = placed.fault(Code::E005, format!("the matrix has no axis {}", quoted(name)));
    Some(fault.help(format!("it has {}", known().collect::<Vec<_>>().join(", "))))
}

impl Placed<'_> {
    fn fault(&self, code: Code, message: String) -> Diagnostic {
        Diagnostic::error(code, self.span, message)
    }
}

/// What was probably meant by an unknown id.
fn meant<'a>(root: &str, id: &str, known: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let near = || closest(id, known.clone()).map(|near| format!("did you mean `{near}`?"));
    dashed(root, id, known.clone()).or_else(near)
}

/// `stages.go-live` reads as `stages.go` minus `live`.
fn dashed<'a>(root: &str, id: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let prefix = format!("{id}-");
    let mut found = known.filter(|known| known.starts_with(&prefix));
    found.next().map(|meant| format!("{DASHED} `{root}[\"{meant}\"]`"))
}

/// The stages that the expressions of a node read.
pub(crate) fn stages_read<'a>(sources: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let reads = sources.filter_map(|source| look(source, Use::Value).ok());
    let paths = reads.flat_map(|looked| looked.reads).map(|read| read.path);
    paths.filter(|path| path[0] == "stages").filter_map(|path| path.into_iter().nth(1)).collect()
}
