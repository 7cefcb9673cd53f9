//! Where the expressions of a file stand, and what they read.

mod fired;
mod names;

use super::{
    Action, Config, Image, Parameter, Stage, Trigger, Written, bounds::more, concurrency::Group,
    upstream::Upstream,
};
use crate::{
    Registries,
    diagnostic::{Diagnostic, Span},
    expression::{Use, look},
    language::{Content, Entry, Node},
    limits::{EXPRESSION_BYTES, EXPRESSIONS, FAULTS},
    template::Template,
};
use names::Names;
use std::collections::BTreeSet;

/// When an expression is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Time {
    /// When something has happened that may start a run.
    Event,
    /// Before all others, outside of any stage.
    Before,
    Start,
    Stage,
}

/// What of a file has expressions, or is read by them.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) parameters: &'a [Parameter],
    pub(super) images: &'a [Image],
    pub(super) stages: &'a [Stage],
    pub(super) group: &'a Group,
    pub(super) triggers: &'a [Trigger],
}

/// A source with what it costs to look at: patterns are compiled.
fn weight(source: &str) -> usize {
    const PATTERN: usize = 256;
    source.len() + PATTERN * source.matches("matches").count()
}

/// One expression, where it stands, and in whose stage.
struct Placed<'a> {
    stage: Option<&'a Stage>,
    trigger: Option<&'a Trigger>,
    source: &'a str,
    usage: Use,
    span: Span,
    time: Time,
}

impl<'a> File<'a> {
    pub(super) fn check(
        &self,
        (registries, upstream): (&Registries, &Upstream<'_>),
    ) -> Vec<Diagnostic> {
        let names = Names::of(self, (registries, upstream));
        let mut faults: Vec<Diagnostic> =
            self.before().iter().flat_map(|placed| names.faults(placed)).collect();
        for stage in self.stages {
            let broken = broken(stage);
            let mut placed = expressions(stage);
            placed.extend(broken.iter().flat_map(|broken| in_broken(stage, broken)));
            for placed in &placed {
                faults.extend(names.faults(placed));
                // What comes after these is not told.
                if faults.len() > FAULTS {
                    return faults;
                }
            }
        }
        faults
    }

    /// What there is too much of to be looked at.
    pub(super) fn excess(&self, root: Span) -> Option<Diagnostic> {
        let mut sources: Vec<usize> = self.before().iter().map(|it| weight(it.source)).collect();
        for stage in self.stages {
            let broken = broken(stage);
            let broken = broken.iter().flat_map(|broken| in_broken(stage, broken));
            sources
                .extend(expressions(stage).into_iter().chain(broken).map(|it| weight(it.source)));
        }
        let (at, help) = (Span::at(root.start), "split it into several pipelines");
        let number = more(sources.len(), (EXPRESSIONS, "expressions"), at, help);
        let bytes = || (EXPRESSION_BYTES, "bytes of expressions");
        number.or_else(|| more(sources.iter().sum(), bytes(), at, help))
    }

    /// What is bound before there are stages: images, and the name of the run's group.
    fn before(&self) -> Vec<Placed<'a>> {
        let of =
            |image: &'a Image| in_template(None, &image.reference, |_| image.span, Time::Before);
        let images = self.images.iter().flat_map(of);
        let triggers = self.triggers.iter().flat_map(in_trigger);
        let group = match &self.group.name {
            Written::Present(name, span) => in_template(None, name, |_| *span, Time::Before),
            Written::Absent | Written::Faulty => Vec::new(),
        };
        images.chain(group).chain(triggers).collect()
    }

    /// The parameters that are read somewhere; none if it cannot be told.
    pub(super) fn parameters_read(&self) -> Option<BTreeSet<String>> {
        let mut read = BTreeSet::new();
        for placed in self.stages.iter().flat_map(expressions).chain(self.before()) {
            for path in look(placed.source, placed.usage).ok()?.reads.into_iter().map(|it| it.path)
            {
                match path.as_slice() {
                    [root, id, ..] if root == "parameters" => drop(read.insert(id.clone())),
                    [root] if root == "parameters" => return None,
                    _ => {}
                }
            }
        }
        Some(read)
    }
}

/// The keys of `images` that stages read.
pub(super) fn images_read(stages: &[Stage]) -> BTreeSet<String> {
    let looked = stages.iter().flat_map(expressions).filter(|it| it.source.contains("images"));
    let looked = looked.filter_map(|placed| look(placed.source, placed.usage).ok());
    let paths = looked.flat_map(|looked| looked.reads).map(|read| read.path);
    paths.filter(|path| path[0] == "images").filter_map(|path| path.into_iter().nth(1)).collect()
}

/// What can be read of a configuration that has faults, so that they do not hide others.
fn partial(action: &Action) -> Option<(Template, &Action)> {
    match &action.config {
        Config::Sound(_) => None,
        Config::Faulty => Some((written(&action.node), action)),
    }
}

fn broken(stage: &Stage) -> Vec<(Template, &Action)> {
    stage.actions.iter().filter_map(partial).collect()
}

fn in_broken<'a>(
    stage: &'a Stage,
    (template, action): &'a (Template, &'a Action),
) -> Vec<Placed<'a>> {
    in_template(Some(stage), template, |place| action.value_span(place), Time::Stage)
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
    let (mut placed, own) = (Vec::new(), Some(stage));
    if let Some((source, span)) = &stage.when {
        let (usage, time) = (Use::Condition, Time::Stage);
        placed.push(Placed { stage: own, trigger: None, source, usage, span: *span, time });
    }
    if let Written::Present(template, span) = &stage.environment {
        placed.extend(in_template(own, template, |_| *span, Time::Start));
    }
    for axis in stage.matrix.iter().flat_map(|matrix| &matrix.axes) {
        placed.extend(in_template(own, &axis.values, |_| axis.span, Time::Start));
    }
    for action in &stage.actions {
        if let Config::Sound(template) = &action.config {
            let span = |place: &[_]| Action::value_span(action, place);
            placed.extend(in_template(own, template, span, Time::Stage));
        }
    }
    placed
}

fn in_template<'a>(
    stage: Option<&'a Stage>,
    template: &'a Template,
    span: impl Fn(&[crate::files::Step]) -> Span,
    time: Time,
) -> Vec<Placed<'a>> {
    let found = template.expressions().into_iter();
    found
        .map(|it| {
            let (source, usage, span) = (it.source, it.usage, span(&it.place));
            Placed { stage, trigger: None, source, usage, span, time }
        })
        .collect()
}

fn in_trigger(trigger: &Trigger) -> Vec<Placed<'_>> {
    let (usage, time) = (Use::Condition, Time::Event);
    let when = trigger.when.iter().map(|(source, span)| {
        let (source, span) = (source.as_str(), *span);
        Placed { stage: None, trigger: None, source, usage, span, time }
    });
    let handed = trigger.parameters.iter();
    let handed = handed.flat_map(|it| in_template(None, &it.value, |_| it.span, time));
    when.chain(handed).map(|placed| Placed { trigger: Some(trigger), ..placed }).collect()
}

/// The stages that the expressions of a node read.
pub(crate) fn stages_read<'a>(sources: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let reads = sources.filter_map(|source| look(source, Use::Value).ok());
    let paths = reads.flat_map(|looked| looked.reads).map(|read| read.path);
    paths.filter(|path| path[0] == "stages").filter_map(|path| path.into_iter().nth(1)).collect()
}
