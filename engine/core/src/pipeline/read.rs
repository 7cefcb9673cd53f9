//! Reads a file: tree, walk, then the stages and what they need.

use super::{
    Image, Parameter, Pipeline, Stage, Trigger, bounds, concurrency::Group, expressions, images,
    needs, stages::Reader, triggers, upstream::Upstream, warnings,
};
use crate::{
    Registries,
    diagnostic::{Code, Diagnostic, SourceFile, Span, in_file_order},
    expression::remembering,
    language::{DefaultsText, Node, PipelineText, Schemas, Tree, Walk, decode, read_tree},
    parameter::{Matching, ParameterText},
    plan::{Callers, ROLLBACK_PIPELINE},
};
use std::sync::Arc;

/// Keys at the top that are read item by item.
const READ_APART: [&str; 4] = ["stages", "parameters", "images", "triggers"];

impl Pipeline {
    /// Reads `file` against the types of stages and triggers in `registries`. Never fails: what is wrong is kept with
    /// what could be read, and told by [`Pipeline::faults`] and by compiling.
    pub fn read(file: &SourceFile, registries: &Registries) -> Pipeline {
        remembering(|| Pipeline::read_now(file, registries))
    }

    fn read_now(file: &SourceFile, registries: &Registries) -> Pipeline {
        let (root, flaws) = match tree(file) {
            Ok(tree) => tree,
            Err(faults) => return unreadable(faults),
        };
        let schemas = Schemas::of(registries);
        let walk = Walk::over(&schemas, &root);
        let text = decode(&root, &walk, |key| !READ_APART.contains(&key));
        let text: Result<PipelineText, _> = text;
        let desk = Desk { file, registries, schemas: &schemas, walk: &walk, root: &root };
        let defaults = text.as_ref().map(|text| text.defaults.clone()).unwrap_or_default();
        let (parts, mut faults) = desk.parts(&defaults);
        let parameters = parameters(&root, &walk, &mut faults);
        let parts = &few(&parameters, parts, (root.span, &mut faults));
        let file = parts.file(&parameters);
        let upstream = Upstream::of(&parts.stages);
        faults.extend(file.check((registries, &upstream)));
        faults.extend(flaws);
        faults.extend(walk.faults);
        faults.extend(at_the_top(&root, text.as_ref().ok()));
        let text = told(text, root.span, &mut faults);
        let mut faults = in_file_order(faults);
        let warned = warnings::Seen { root: &root, file, upstream: &upstream };
        let mut pipeline = Pipeline {
            warnings: warned.warnings(&faults),
            images_read: expressions::images_read(&parts.stages),
            group: parts.group.clone(),
            triggers: parts.triggers.clone(),
            stages: parts.stages.clone(),
            images: parts.images.clone(),
            parameters,
            application_span: application_span(&root),
            ..headed(text)
        };
        faults.extend(pipeline.trigger_faults(registries));
        pipeline.warnings.extend(pipeline.trigger_warnings(registries));
        pipeline.faults = in_file_order(faults);
        pipeline
    }
}

/// The tree of a file that is small enough to be looked at, and what is wrong with it as YAML.
fn tree(file: &SourceFile) -> Result<(Arc<Node>, Vec<Diagnostic>), Vec<Diagnostic>> {
    let Tree { root, faults } = read_tree(file);
    let Some(root) = root else { return Err(faults) };
    let excess = bounds::excess(&root);
    match excess.is_empty() {
        true => Ok((root, faults)),
        false => Err(faults.into_iter().chain(excess).collect()),
    }
}

/// A file while its parts are read.
struct Desk<'a> {
    file: &'a SourceFile,
    registries: &'a Registries,
    schemas: &'a Schemas,
    walk: &'a Walk<'a>,
    root: &'a Arc<Node>,
}

impl Desk<'_> {
    fn parts(&self, defaults: &DefaultsText) -> (Parts, Vec<Diagnostic>) {
        let Desk { file, registries, schemas, walk, root } = *self;
        let registry = &registries.stages;
        let mut reader = Reader { file, registry, schemas, walk, faults: Vec::new() };
        let stages = root.entry("stages").map(|entry| reader.stages(&entry.value, defaults));
        let stages = stages.unwrap_or_default();
        let mut faults = reader.faults;
        needs::check(&stages, file, &mut faults);
        let mut reader = triggers::Reader { file, registries, schemas, walk, faults: Vec::new() };
        let triggers = reader.triggers(root);
        faults.extend(reader.faults);
        let (images, group) = (images::read(root, walk), Group::read(root, walk));
        (Parts { stages, images, group, triggers }, faults)
    }
}

/// What has expressions besides parameters.
struct Parts {
    stages: Vec<Stage>,
    images: Vec<Image>,
    group: Group,
    triggers: Vec<Trigger>,
}

impl Parts {
    fn file<'a>(&'a self, parameters: &'a [Parameter]) -> expressions::File<'a> {
        let Parts { stages, images, group, triggers } = self;
        expressions::File { parameters, images, stages, group, triggers }
    }
}

/// The same, without expressions if there are too many to look at.
fn few(
    parameters: &[Parameter],
    mut parts: Parts,
    (root, faults): (Span, &mut Vec<Diagnostic>),
) -> Parts {
    let Some(excess) = parts.file(parameters).excess(root) else { return parts };
    faults.push(excess);
    parts.stages.iter_mut().for_each(Stage::forget_expressions);
    let (images, group, triggers) = (Vec::new(), Group::default(), Vec::new());
    Parts { images, group, triggers, ..parts }
}

/// A pipeline of which only the simple keys at the top are known.
fn headed(text: PipelineText) -> Pipeline {
    Pipeline {
        name: text.name,
        application: text.application,
        description: text.description,
        labels: text.labels,
        callers: text.callers.map_or(Callers::Repository, |names| {
            Callers::Named(names.into_iter().map(|name| name.0).collect())
        }),
        timeout_ms: text.timeout.map(|timeout| timeout.milliseconds()),
        ..Pipeline::default()
    }
}

fn application_span(root: &Node) -> Span {
    let said = root.entry("application").or_else(|| root.entry("name"));
    said.map_or(Span::at(root.span.start), |entry| entry.value.span)
}

/// What only the values of the simple keys can show.
fn at_the_top(root: &Node, text: Option<&PipelineText>) -> Vec<Diagnostic> {
    reserved(root, text).into_iter().chain(zero_timeout(root, text)).collect()
}

/// What could be decoded, or nothing and the reason as a fault.
fn told(
    text: Result<PipelineText, serde_json::Error>,
    root: Span,
    faults: &mut Vec<Diagnostic>,
) -> PipelineText {
    text.unwrap_or_else(|error| {
        let message = format!("the file cannot be read: {error}");
        faults.push(Diagnostic::error(Code::E016, Span::at(root.start), message));
        PipelineText::default()
    })
}

fn unreadable(faults: Vec<Diagnostic>) -> Pipeline {
    Pipeline { faults: in_file_order(faults), ..Pipeline::default() }
}

/// A run without any time.
fn zero_timeout(root: &Node, text: Option<&PipelineText>) -> Option<Diagnostic> {
    let entry = root.entry("timeout")?;
    let message = "`timeout` must be longer than nothing";
    let fault = || Diagnostic::error(Code::E016, entry.value.span, message);
    text?.timeout?.is_zero().then(fault)
}

/// A pipeline that would be taken for a person's way back.
fn reserved(root: &Node, text: Option<&PipelineText>) -> Option<Diagnostic> {
    let name = text?.name.as_deref().filter(|name| *name == ROLLBACK_PIPELINE)?;
    let entry = root.entry("name")?;
    let message = format!("`{name}` is the name of a person's way back, and of no pipeline");
    Some(Diagnostic::error(Code::E016, entry.value.span, message).help("choose another name"))
}

/// One by one, so that a broken one does not hide the others.
fn parameters(root: &Node, walk: &Walk<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Parameter> {
    let (mut parameters, matching) = (Vec::new(), Matching::default());
    for entry in root.entry("parameters").into_iter().flat_map(|it| it.value.entries()) {
        let (id, span) = (entry.key.text.to_string(), entry.key.span);
        // A broken one is known all the same, so that what reads it is not told too.
        let text = match walk.is_sound(&entry.value) {
            true => decode(&entry.value, walk, |_| true).unwrap_or_else(|error| {
                let message = format!("parameter `{id}` cannot be read: {error}");
                faults.push(Diagnostic::error(Code::E016, span, message));
                ParameterText::default()
            }),
            false => ParameterText::default(),
        };
        let parameter = Parameter { id, span, text };
        if walk.is_sound(&entry.value) {
            faults.extend(parameter.faults(&matching));
        }
        parameters.push(parameter);
    }
    parameters
}
