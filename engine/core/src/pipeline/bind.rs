//! What is known when a run starts is put in its place: parameters, who started it, what.

use super::{Given, Pipeline, Written, images, matrix, parameters};
use crate::{
    diagnostic::{Code, Diagnostic, Span, in_file_order},
    event::Trigger,
    expression::{Use, look, remembering},
    plan::Origin,
    template::{BindError, Readiness, Scope, Template},
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};

/// What a run starts with.
#[derive(Clone, Debug, PartialEq)]
pub struct Bindings {
    pub parameters: BTreeMap<String, Given>,
    /// Who starts it.
    pub actor: String,
    /// What starts it.
    pub trigger: Trigger,
    pub missing: Missing,
    /// The commit that the file is of, if it is of one.
    pub origin: Option<Origin>,
}

/// What to make of a required parameter without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The run cannot start.
    Refused,
    /// The file is only looked at; what hangs on the value is not judged.
    Tolerated,
}

impl Pipeline {
    /// The pipeline with everything in its place that is known at a start. What does not fit is
    /// told with the other faults by compiling.
    #[must_use]
    pub fn bound(self, bindings: &Bindings) -> Pipeline {
        remembering(|| self.bound_now(bindings))
    }

    fn bound_now(mut self, bindings: &Bindings) -> Pipeline {
        let (values, mut faults) = parameters::values(&self.parameters, &bindings.parameters);
        let lacking = |it: &&super::Parameter| it.is_required() && !values.contains_key(&it.id);
        let lacking: Vec<&super::Parameter> = self.parameters.iter().filter(lacking).collect();
        if bindings.missing == Missing::Refused {
            faults.extend(lacking.iter().map(|parameter| {
                let id = &parameter.id;
                let message = format!("required parameter `{id}` has no value");
                let help = format!("give it one: `-p {id}=…`");
                Diagnostic::error(Code::E004, parameter.span, message).help(help)
            }));
        }
        let lacking: Vec<String> = lacking.iter().map(|it| it.id.clone()).collect();
        let mut scope = self.scope(&values, bindings);
        let (axes, none) = (Axes::Unknown, Map::new());
        let before = Known { axes, lacking: &lacking, images: &none };
        let before = |source: &str| readiness(source, &before);
        let images =
            images::bind((&mut self.images, &self.digests), (&before, &scope), &mut faults);
        scope.insert("images".to_owned(), Value::Object(images.clone()));
        let ready = |source: &str, axes| {
            readiness(source, &Known { axes, lacking: &lacking, images: &images })
        };
        let early = |source: &str| ready(source, Axes::Unknown);
        let stages = std::mem::take(&mut self.stages);
        self.stages = matrix::spread(stages, (&early, &scope), &mut faults);
        self.bind_stages(&ready, &scope, &mut faults);
        faults.extend(self.group.bind(&scope, &early));
        // What is wrong with an expression by itself is told already.
        let is_of_expressions =
            |fault: &&Diagnostic| [Code::E005, Code::E020].contains(&fault.code);
        let told = self.faults.iter().filter(is_of_expressions);
        let told: HashSet<Span> = told.map(|fault| fault.primary.span).collect();
        let is_told =
            |fault: &Diagnostic| fault.code == Code::E005 && told.contains(&fault.primary.span);
        faults.retain(|fault| !is_told(fault));
        self.values = values;
        self.references = images.into_iter().collect();
        self.origin = bindings.origin.clone();
        self.faults = in_file_order(self.faults.into_iter().chain(faults).collect());
        self
    }

    fn bind_stages(
        &mut self,
        ready: &dyn Fn(&str, Axes) -> Readiness,
        scope: &Scope,
        faults: &mut Vec<Diagnostic>,
    ) {
        let mut scope = scope.clone();
        for stage in &mut self.stages {
            let axes = see_cell(stage, &mut scope);
            let (ready, scope) = (&|source: &str| ready(source, axes), &scope);
            if let Written::Present(environment, span) = &mut stage.environment {
                let mut failed = Vec::new();
                environment.bind_early(ready, scope, &mut failed);
                faults.extend(failed.into_iter().map(|(_, error)| fault(*span, &error)));
                if environment.is_literal() && !environment.preview().is_string() {
                    let message = "`environment` must come to a text";
                    faults.push(Diagnostic::error(Code::E016, *span, message));
                }
            }
            for action in &mut stage.actions {
                let mut failed = Vec::new();
                if let super::Config::Sound(config) = &mut action.config {
                    config.bind_early(ready, scope, &mut failed);
                }
                let place = |place: &[_]| action.value_span(place);
                faults.extend(failed.iter().map(|(at, error)| fault(place(at), error)));
            }
        }
    }

    fn scope(&self, values: &BTreeMap<String, Value>, bindings: &Bindings) -> Scope {
        let scope = json!({
            "parameters": values,
            "application": {"name": self.application(), "labels": self.labels},
            "trigger": bindings.trigger.value(&bindings.actor),
            "source": bindings.origin.as_ref().map_or_else(|| json!({}), Origin::value),
        });
        match scope {
            Value::Object(scope) => scope,
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => Scope::new(),
        }
    }
}

/// Whether the values of the matrix are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Axes {
    Known,
    Unknown,
}

/// Lets the expressions of a stage see its cell of the matrix, and no other one.
fn see_cell(stage: &super::Stage, scope: &mut Scope) -> Axes {
    match &stage.cell {
        None => {
            scope.remove("matrix");
            Axes::Unknown
        }
        Some(cell) => {
            scope.insert("matrix".to_owned(), json!(cell.values));
            Axes::Known
        }
    }
}

fn fault(span: Span, error: &BindError) -> Diagnostic {
    Diagnostic::error(Code::E005, span, error.to_string())
}

/// What is known when a run starts.
struct Known<'a> {
    axes: Axes,
    /// Parameters without a value.
    lacking: &'a [String],
    images: &'a Map<String, Value>,
}

fn readiness(source: &str, known: &Known<'_>) -> Readiness {
    let Ok(looked) = look(source, Use::Value) else { return Readiness::Later };
    let is_known = |path: &[String]| match path {
        [root] if root == "parameters" => known.lacking.is_empty(),
        [root, id, ..] if root == "parameters" => !known.lacking.contains(id),
        [root, key, ..] if root == "images" => known.images.contains_key(key),
        [root, ..] if root == "matrix" => known.axes == Axes::Known,
        [root, ..] => ["application", "trigger", "source"].contains(&root.as_str()),
        [] => true,
    };
    match looked.reads.iter().all(|read| is_known(&read.path)) {
        true => Readiness::Now,
        false => Readiness::Later,
    }
}

impl Written<Template> {
    /// The text, once everything in it is known.
    pub(crate) fn known(&self) -> Written<String> {
        match self {
            Written::Absent => Written::Absent,
            Written::Faulty => Written::Faulty,
            Written::Present(template, span) => match template.preview() {
                Value::String(text) if template.is_literal() => Written::Present(text, *span),
                _ => Written::Faulty,
            },
        }
    }
}
