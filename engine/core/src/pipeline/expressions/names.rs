//! Whether an expression compiles, and reads only what it can see.

use super::{File, Placed, Time};
use crate::{
    Registries, Registry,
    diagnostic::{Code, Diagnostic, quoted},
    expression::{Kind, Read, Shape, SourceFault, is_secret_name, look_over},
    language::{SECRET_PLACES, closest},
    pipeline::{Config, Image, Parameter, Stage, Trigger, Written, upstream::Upstream, world},
    stage::AnyStage,
    template::Template,
    trigger::AnyTrigger,
};
use serde_json::Value;
use std::{cell::Cell, collections::HashMap};

/// What everything may read, and its fields.
const NAMES: [(&str, &[&str]); 5] = [
    ("run", &["id", "number", "startedAt"]),
    ("application", &["name", "labels"]),
    ("environment", &["name", "cluster", "namespace", "labels", "production"]),
    ("source", &["repository", "ref", "commit"]),
    (world::LAST_SUCCEEDED, &["id", "number", "startedAt", "parameters"]),
];
const ROOTS: [&str; 11] = [
    "parameters",
    "run",
    "application",
    "trigger",
    "source",
    "environment",
    "images",
    "stages",
    "matrix",
    world::DEPLOYED,
    world::LAST_SUCCEEDED,
];
const DASHED: &str = "an id with `-` is written";
/// What is known when a run starts.
const EARLY: [&str; 6] = ["parameters", "application", "trigger", "source", "matrix", "images"];
/// What images are made of: they belong to no stage, and are known before all others.
const BEFORE: [&str; 4] = ["parameters", "application", "trigger", "source"];
/// What says whether an event starts a run, and with which parameters.
const EVENT: [&str; 2] = ["trigger", "application"];
/// What every trigger has, a person too.
pub(super) const TRIGGER: [&str; 2] = ["type", "actor"];
/// What is never kept with a run.
pub(super) const PAYLOAD: &str = "payload";

/// Suggestions that are looked for in one file.
const SUGGESTIONS: usize = 100;

/// The names of one file.
pub(super) struct Names<'a> {
    parameters: &'a [Parameter],
    images: &'a [Image],
    stages: HashMap<&'a str, &'a Stage>,
    /// What stages put out, as far as their configuration tells.
    outputs: HashMap<&'a str, Shape>,
    upstream: &'a Upstream<'a>,
    pub(super) triggers: &'a [Trigger],
    pub(super) types: &'a Registry<dyn AnyTrigger>,
    /// How often a known word may still be looked for in place of an unknown one: that compares it
    /// with every other.
    suggestions: Cell<usize>,
}

impl<'a> Names<'a> {
    pub(super) fn of(
        file: &File<'a>,
        (registries, upstream): (&'a Registries, &'a Upstream<'a>),
    ) -> Names<'a> {
        let (registry, types) = (&registries.stages, &registries.triggers);
        let stages = file.stages.iter().map(|stage| (stage.id.as_str(), stage)).collect();
        let puts_out = |stage: &'a Stage| Some((stage.id.as_str(), outputs(stage, registry)?));
        let outputs = file.stages.iter().filter_map(puts_out).collect();
        let suggestions = Cell::new(SUGGESTIONS);
        let (parameters, images, triggers) = (file.parameters, file.images, file.triggers);
        Names { parameters, images, stages, outputs, upstream, triggers, types, suggestions }
    }

    pub(super) fn faults(&self, placed: &Placed<'_>) -> Vec<Diagnostic> {
        let known = |path: &[String]| self.kind(placed, path);
        let looked = match look_over(placed.source, placed.usage, &known) {
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
        match faults.iter().rfind(is_dashed).cloned() {
            Some(dashed) => vec![dashed],
            None => faults,
        }
    }

    fn fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let root = read.path[0].as_str();
        if root == "secrets" {
            let message = "a secret stands alone in its braces and has no place in an expression";
            return Some(placed.fault(Code::E005, message.to_owned()).help(secret_help(read)));
        }
        if !ROOTS.contains(&root) {
            return Some(self.unknown_name(placed, root));
        }
        let seen: &[&str] = match placed.time {
            Time::Event => &EVENT,
            Time::Before => &BEFORE,
            Time::Start => &EARLY,
            Time::Stage => &ROOTS,
        };
        if !seen.contains(&root) {
            let when = match placed.time {
                Time::Event => "an event is looked at",
                Time::Before | Time::Start | Time::Stage => "a run starts",
            };
            let message = format!("{} is not known when {when}", quoted(root));
            let help = format!("known then: {}", seen.join(", "));
            return Some(placed.fault(Code::E005, message).help(help));
        }
        match root {
            "parameters" => self.parameter_fault(placed, read),
            "images" => self.image_fault(placed, read),
            "stages" => self.stage_fault(placed, read),
            "matrix" => axis_fault(placed, read),
            "trigger" => self.trigger_fault(placed, read),
            world::DEPLOYED => self.deployed_fault(placed, read),
            _ => self.field_fault(placed, read),
        }
    }

    fn unknown_name(&self, placed: &Placed<'_>, name: &str) -> Diagnostic {
        let fault = placed.fault(Code::E005, format!("{} is not known here", quoted(name)));
        if let Some(help) = self.half(placed, name) {
            return fault.help(help);
        }
        let help = if self.parameters.iter().any(|parameter| parameter.id == name) {
            Some(format!("write `parameters.{name}`"))
        } else if self.stages.contains_key(name) {
            Some(format!("write `stages.{name}.outputs`"))
        } else {
            self.near(name, ROOTS.into_iter())
        };
        fault.help(help.unwrap_or_else(|| format!("known here: {}", ROOTS.join(", "))))
    }

    /// `stages.go-live` reads as `stages.go` minus `live`, and there may be a stage `go` too.
    fn half(&self, placed: &Placed<'_>, name: &str) -> Option<String> {
        let parameters = self.parameters.iter().map(|it| ("parameters", it.id.as_str()));
        let stages = self.stages.keys().map(|id| ("stages", *id));
        let images = self.images.iter().map(|image| ("images", image.key.as_str()));
        self.may_suggest()?;
        let end = format!("-{name}");
        let is_meant = |(root, id): &(&str, &str)| {
            id.ends_with(&end) && placed.source.contains(&format!("{root}.{id}"))
        };
        let (root, id) = parameters.chain(stages).chain(images).find(is_meant)?;
        Some(format!("{DASHED} `{root}[\"{id}\"]`"))
    }

    fn parameter_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let id = read.path.get(1)?;
        if self.parameters.iter().any(|parameter| parameter.id == *id) {
            return None;
        }
        let known = || self.parameters.iter().map(|parameter| parameter.id.as_str());
        let fault = placed.fault(Code::E005, format!("there is no parameter {}", quoted(id)));
        let otherwise = format!("declare it: `parameters: {{{id}: {{type: string}}}}`");
        Some(fault.help(self.meant("parameters", id, known()).unwrap_or(otherwise)))
    }

    fn image_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let key = read.path.get(1)?;
        let known = || self.images.iter().map(|image| image.key.as_str());
        if known().any(|image| image == key) {
            return None;
        }
        let fault = placed.fault(Code::E005, format!("there is no image {}", quoted(key)));
        let otherwise = "name it under `images` at the top of the file".to_owned();
        Some(fault.help(self.meant("images", key, known()).unwrap_or(otherwise)))
    }

    /// What kind of value stands at a path, as far as the file says.
    fn kind(&self, placed: &Placed<'_>, path: &[String]) -> Kind {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["parameters", id] => {
                let declared = self.parameters.iter().find(|parameter| parameter.id == *id);
                declared.map_or(Kind::Any, Parameter::kind)
            }
            ["run" | world::LAST_SUCCEEDED, "number"] | [world::DEPLOYED, _, "revision"] => {
                Kind::Number
            }
            [world::DEPLOYED, _] | [world::DEPLOYED, _, "images"] => Kind::Map,
            [world::DEPLOYED, _, "images", _] => Kind::Text,
            [world::LAST_SUCCEEDED, "parameters"] => Kind::Map,
            ["run" | world::LAST_SUCCEEDED, "id" | "startedAt"]
            | ["application", "name"]
            | ["application", "labels", _]
            | ["trigger", "type" | "actor"]
            | ["source", "repository" | "ref" | "commit"]
            | ["environment", "name" | "cluster" | "namespace"]
            | ["environment", "labels", _]
            | ["images", _]
            | ["stages", _, "status"] => Kind::Text,
            ["trigger", field] => self.field_kind(placed, field),
            ["matrix", name] => {
                let matrix = placed.stage.and_then(|stage| stage.matrix.as_ref());
                let axis = matrix.and_then(|it| it.axes.iter().find(|axis| axis.name == *name));
                axis.map_or(Kind::Any, |axis| axis_kind(&axis.values))
            }
            ["stages", id, "outputs", within @ ..] => {
                let unknown = Shape::Of(Kind::Map);
                self.outputs.get(id).unwrap_or(&unknown).kind(within)
            }
            ["environment", "production"] => Kind::Boolean,
            ["application" | "environment", "labels"] => Kind::Map,
            [root] if ROOTS.contains(root) => Kind::Map,
            _ => Kind::Any,
        }
    }

    fn stage_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let id = read.path.get(1)?;
        let known = || self.stages.keys().copied();
        if !self.stages.contains_key(id.as_str()) {
            let fault = placed.fault(Code::E005, format!("there is no stage {}", quoted(id)));
            let otherwise = "stages are named by their id, the key under `stages`".to_owned();
            return Some(fault.help(self.meant("stages", id, known()).unwrap_or(otherwise)));
        }
        let own = placed.stage?;
        if !self.upstream.has(&own.id, id) {
            let own = quoted(&own.id);
            let message = format!("stage {} is not upstream of {own}", quoted(id));
            let help = format!("add it to the `needs` of {own}, or of a stage that it needs");
            return Some(placed.fault(Code::E006, message).help(help));
        }
        let field = read.path.get(2)?;
        match field.as_str() {
            "outputs" => self.output_fault(placed, (id, &read.path[3..])),
            _ => self.known_field(placed, field, &["status", "outputs"]),
        }
    }

    /// A field that the stage never puts out.
    fn output_fault(&self, placed: &Placed<'_>, of: (&str, &[String])) -> Option<Diagnostic> {
        let (stage, path) = of;
        let (field, known) = self.outputs.get(stage)?.missing(path)?;
        let message = format!("stage {} puts out no {}", quoted(stage), quoted(field));
        let otherwise = match known.as_slice() {
            [] => "nothing is asked for there".to_owned(),
            known => format!("known here: {}", known.join(", ")),
        };
        let near = self.meant("inputs", field, known.iter().copied());
        Some(placed.fault(Code::E005, message).help(near.unwrap_or(otherwise)))
    }

    fn field_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        let root = read.path[0].as_str();
        let has_none = |stage: &Stage| matches!(stage.environment, Written::Absent);
        if root == "environment" && placed.stage.is_some_and(has_none) {
            let message = "`environment` is not known here: the stage names none".to_owned();
            return Some(placed.fault(Code::E005, message));
        }
        let (_, fields) = NAMES.iter().find(|(name, _)| *name == root)?;
        self.known_field(placed, read.path.get(1)?, fields)
    }

    /// Which environment is read must be seen in the file, so that it can be pinned with the run.
    fn deployed_fault(&self, placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
        match read.path.as_slice() {
            [_] => {
                let message = "which environment is meant must be written out".to_owned();
                let help = "write `deployed[\"staging\"]`, with the name of one environment";
                Some(placed.fault(Code::E005, message).help(help))
            }
            [_, _, field, ..] => self.known_field(placed, field, &["revision", "images"]),
            _ => None,
        }
    }

    fn known_field(&self, placed: &Placed<'_>, field: &str, known: &[&str]) -> Option<Diagnostic> {
        if known.contains(&field) {
            return None;
        }
        let fault = placed.fault(Code::E005, format!("there is no field {}", quoted(field)));
        Some(fault.help(format!("known here: {}", known.join(", "))))
    }

    /// What was probably meant by an unknown id.
    fn meant<'w>(
        &self,
        root: &str,
        id: &str,
        known: impl Iterator<Item = &'w str> + Clone,
    ) -> Option<String> {
        dashed(root, id, known.clone()).or_else(|| self.near(id, known))
    }

    fn near<'w>(&self, word: &str, known: impl Iterator<Item = &'w str>) -> Option<String> {
        self.may_suggest()?;
        closest(word, known).map(|near| format!("did you mean `{near}`?"))
    }

    fn may_suggest(&self) -> Option<()> {
        self.suggestions.set(self.suggestions.get().checked_sub(1)?);
        Some(())
    }
}

/// What a stage with one node and a sound configuration puts out.
fn outputs(stage: &Stage, registry: &Registry<dyn AnyStage>) -> Option<Shape> {
    let ([action], None) = (stage.actions.as_slice(), &stage.matrix) else { return None };
    let Config::Sound(config) = &action.config else { return None };
    Some(registry.get(&action.stage_type)?.outputs(&config.closed()))
}

fn secret_help(read: &Read) -> String {
    match read.path.get(1).filter(|name| !is_secret_name(name)) {
        Some(name) => format!(
            "{} is no name: it begins with `A` to `Z`, and has `A` to `Z`, `0` to `9` and `_`",
            quoted(name)
        ),
        None => SECRET_PLACES.to_owned(),
    }
}

fn axis_fault(placed: &Placed<'_>, read: &Read) -> Option<Diagnostic> {
    let Some(matrix) = placed.stage.and_then(|stage| stage.matrix.as_ref()) else {
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

/// The kind of the values of an axis, if they have one.
fn axis_kind(values: &Template) -> Kind {
    let Template::List(items) = values else { return Kind::Any };
    let all = |wanted: fn(&Value) -> bool| {
        items.iter().all(|item| item.is_literal() && wanted(&item.preview()))
    };
    match (all(Value::is_string), all(Value::is_number), all(Value::is_boolean)) {
        (true, ..) => Kind::Text,
        (_, true, _) => Kind::Number,
        (_, _, true) => Kind::Boolean,
        (false, false, false) => Kind::Any,
    }
}

impl Placed<'_> {
    pub(super) fn fault(&self, code: Code, message: String) -> Diagnostic {
        Diagnostic::error(code, self.span, message)
    }
}

/// `stages.go-live` reads as `stages.go` minus `live`.
fn dashed<'a>(root: &str, id: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let prefix = format!("{id}-");
    let mut found = known.filter(|known| known.starts_with(&prefix));
    found.next().map(|meant| format!("{DASHED} `{root}[\"{meant}\"]`"))
}
