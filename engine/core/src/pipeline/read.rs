//! Reads a file: tree, walk, then the stages and what they need.

use super::{
    Parameter, Pipeline, Stage, concurrency::Group, expressions, images, needs, stages::Reader,
    warnings,
};
use crate::{
    Registry,
    diagnostic::{Code, Diagnostic, SourceFile, Span, in_file_order},
    language::{Node, PipelineText, Schemas, Walk, decode, read_tree},
    parameter::ParameterText,
    plan::{Callers, ROLLBACK_PIPELINE},
    stage::AnyStage,
};

/// Looking at one costs some microseconds.
const EXPRESSIONS: usize = 1_000;

impl Pipeline {
    /// Reads `file` against the stage types of `registry`. Never fails: what is wrong is kept with
    /// what could be read, and told by [`Pipeline::faults`] and by compiling.
    pub fn read(file: &SourceFile, registry: &Registry<dyn AnyStage>) -> Pipeline {
        let mut tree = read_tree(file);
        let Some(root) = tree.root.take() else {
            return unreadable(tree.faults);
        };
        let schemas = Schemas::of(registry);
        let walk = Walk::over(&schemas, &root);
        let text = decode(&root, &walk, |key| !["stages", "parameters", "images"].contains(&key));
        let text: Result<PipelineText, _> = text;
        let mut reader =
            Reader { file, registry, schemas: &schemas, walk: &walk, faults: Vec::new() };
        let defaults = text.as_ref().map(|text| text.defaults.clone()).unwrap_or_default();
        let stages = root.entry("stages").map(|entry| reader.stages(&entry.value, &defaults));
        let stages = stages.unwrap_or_default();
        let mut faults = reader.faults;
        needs::check(&stages, file, &mut faults);
        let parameters = parameters(&root, &walk, &mut faults);
        let stages = bounded(stages, root.span, &mut faults);
        let group = Group::read(&root, &walk);
        let images = images::read(&root, &walk);
        let (stages, group) = (&stages, &group);
        let file = expressions::File { parameters: &parameters, images: &images, stages, group };
        faults.extend(file.check(registry));
        faults.extend(tree.faults);
        faults.extend(walk.faults);
        faults.extend(at_the_top(&root, text.as_ref().ok()));
        let text = told(text, root.span, &mut faults);
        let faults = in_file_order(faults);
        let warned = warnings::Seen { root: &root, file };
        Pipeline {
            warnings: warned.warnings(&faults),
            images_read: expressions::images_read(stages),
            group: group.clone(),
            stages: stages.clone(),
            parameters,
            images,
            faults,
            ..headed(text)
        }
    }
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

/// The stages, without their expressions if there are too many to look at.
fn bounded(mut stages: Vec<Stage>, root: Span, faults: &mut Vec<Diagnostic>) -> Vec<Stage> {
    if expressions::count(&stages) > EXPRESSIONS {
        let message = format!("the file has more than {EXPRESSIONS} expressions");
        faults.push(Diagnostic::error(Code::E015, Span::at(root.start), message));
        stages.iter_mut().for_each(Stage::forget_expressions);
    }
    stages
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
    let mut parameters = Vec::new();
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
            faults.extend(parameter.faults());
        }
        parameters.push(parameter);
    }
    parameters
}
