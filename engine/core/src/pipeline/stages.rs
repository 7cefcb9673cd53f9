//! Reads stages: one action each, their needs, and their settings.

use super::{Action, Config, Matrix, PlacedNeed, Stage, Written};
use crate::{
    Registry,
    diagnostic::{Code, Diagnostic, SourceFile, Span, quoted},
    language::{
        Content, DefaultsText, Entry, MatrixText, NeedText, Node, RetryText, Schemas, StageText,
        Walk, decode,
    },
    plan::OnFailure,
    retry::Retry,
    stage::{AnyStage, Condition},
    template::Template,
};
use serde::Deserialize;
use std::sync::Arc;

pub(super) struct Reader<'a> {
    pub(super) file: &'a SourceFile,
    pub(super) registry: &'a Registry<dyn AnyStage>,
    pub(super) schemas: &'a Schemas,
    pub(super) walk: &'a Walk<'a>,
    pub(super) faults: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(super) fn stages(&mut self, stages: &Node, defaults: &DefaultsText) -> Vec<Stage> {
        stages.entries().iter().map(|entry| self.stage(entry, defaults)).collect()
    }

    fn stage(&mut self, entry: &Entry, defaults: &DefaultsText) -> Stage {
        let (id, node) = (&*entry.key.text, &*entry.value);
        let actions = self.actions(node);
        self.check_actions(entry, &actions);
        let text = self.settings(entry);
        let retry = text.retry.as_ref().or(defaults.retry.as_ref());
        let retry = retry.map_or_else(Retry::default, RetryText::retry);
        let timeout = text.timeout.or(defaults.timeout);
        self.check_timeout(node, text.timeout.map(|timeout| timeout.is_zero()));
        self.check_backoff(node, &retry);
        Stage {
            id: id.to_owned(),
            span: entry.key.span,
            name: text.name,
            description: text.description,
            needs: self.needs(node),
            when: self.when(node, text.when),
            environment: written(node, text.environment),
            matrix: text.matrix.and_then(|text| self.matrix(node, text)),
            cell: None,
            timeout_ms: timeout.map(|timeout| timeout.milliseconds()),
            retry,
            on_failure: self.on_failure(node, (text.on_failure, defaults.on_failure)),
            actions,
        }
    }

    /// Without an environment there is nothing to go back to: as a default of all stages that is
    /// no failing of this one.
    fn on_failure(
        &mut self,
        stage: &Node,
        (own, usual): (Option<OnFailure>, Option<OnFailure>),
    ) -> OnFailure {
        match (own, usual, stage.entry("environment")) {
            (Some(OnFailure::Rollback), _, None) => {
                let entry = stage.entry("onFailure");
                let span = entry.map_or(stage.span, |entry| entry.value.span);
                let message = "`onFailure: rollback` needs an `environment` to take back";
                let help = "name the stage's environment, or say `fail` or `hold`";
                self.faults.push(Diagnostic::error(Code::E016, span, message).help(help));
                OnFailure::Rollback
            }
            (None, Some(OnFailure::Rollback), None) => OnFailure::Fail,
            (own, usual, _) => own.or(usual).unwrap_or_default(),
        }
    }

    /// All but the action and the needs, which are read one by one.
    fn settings(&mut self, stage: &Entry) -> StageText {
        let is_setting = |key: &str| key != "needs" && self.registry.get(key).is_none();
        decode(&stage.value, self.walk, is_setting).unwrap_or_else(|error| {
            let message = format!("stage {} cannot be read: {error}", quoted(&stage.key.text));
            self.faults.push(Diagnostic::error(Code::E016, stage.key.span, message));
            StageText::default()
        })
    }

    fn actions(&self, node: &Node) -> Vec<Action> {
        let is_action = |entry: &&Entry| self.registry.get(&entry.key.text).is_some();
        let action = |entry: &Entry| Action {
            stage_type: entry.key.text.to_string(),
            key_span: entry.key.span,
            node: Arc::clone(&entry.value),
            config: if self.walk.is_sound(&entry.value) {
                Config::Sound(self.schemas.template(&entry.key.text, entry.value.value()))
            } else {
                Config::Faulty
            },
        };
        node.entries().iter().filter(is_action).map(action).collect()
    }

    fn check_actions(&mut self, stage: &Entry, actions: &[Action]) {
        let known: Vec<String> = self.registry.names().map(|name| format!("`{name}`")).collect();
        let help = format!("a stage has exactly one of {}", known.join(", "));
        let id = quoted(&stage.key.text);
        let fault = match actions {
            [_] => return,
            [] if !self.lacks_action(&stage.value) => return,
            [] => Diagnostic::error(Code::E014, stage.key.span, format!("stage {id} does nothing"))
                .help(help),
            [first, others @ ..] => {
                let named = actions.iter().map(|action| (&*action.stage_type, action.key_span));
                let message =
                    format!("stage {id} has several actions: {}", placed(self.file, named));
                let second = others.first().map_or(first.key_span, |other| other.key_span);
                Diagnostic::error(Code::E014, second, message)
                    .also(first.key_span, "the first action")
                    .help(format!("{help}: make the others stages of their own"))
            }
        };
        self.faults.push(fault);
    }

    /// Whether nothing in a stage could have been meant as its action: an unknown key is told as
    /// such, and what it stood for is not asked for again.
    fn lacks_action(&self, stage: &Node) -> bool {
        let is_known = |entry: &Entry| self.schemas.is_stage_key(&entry.key.text);
        matches!(stage.content, Content::Map(_)) && stage.entries().iter().all(is_known)
    }

    /// Item by item, so that a broken one does not hide the others.
    fn needs(&mut self, stage: &Node) -> Vec<PlacedNeed> {
        let Some(needs) = stage.entry("needs") else { return Vec::new() };
        let sound = needs.value.items().iter().filter(|item| self.walk.is_sound(item));
        let mut placed = Vec::new();
        for item in sound {
            let span = item.entry("stage").map_or(item.span, |entry| entry.value.span);
            match NeedText::deserialize(item.value()) {
                Ok(text) => {
                    let (need, cells) = (text.need(), text.cells());
                    placed.push(PlacedNeed { need, cells, span });
                }
                Err(error) => {
                    let message = format!("an item of `needs` cannot be read: {error}");
                    self.faults.push(Diagnostic::error(Code::E016, item.span, message));
                }
            }
        }
        placed
    }

    fn matrix(&mut self, stage: &Node, text: MatrixText) -> Option<Matrix> {
        let entry = stage.entry("matrix").filter(|entry| self.walk.is_sound(&entry.value))?;
        Some(Matrix::read(entry, text, &mut self.faults))
    }

    fn when(&self, stage: &Node, when: Option<Condition>) -> Option<(String, Span)> {
        let entry = stage.entry("when")?;
        match when? {
            Condition::Unbound(source) => Some((source, entry.value.span)),
            Condition::Bound { .. } => None,
        }
    }

    fn check_timeout(&mut self, stage: &Node, is_zero: Option<bool>) {
        if let (Some(true), Some(entry)) = (is_zero, stage.entry("timeout")) {
            let message = "`timeout` must be longer than nothing";
            self.faults.push(Diagnostic::error(Code::E016, entry.value.span, message));
        }
    }

    fn check_backoff(&mut self, stage: &Node, retry: &Retry) {
        if retry.backoff.initial_ms <= retry.backoff.max_ms {
            return;
        }
        let backoff = stage.entry("retry").and_then(|entry| entry.value.entry("backoff"));
        let Some(backoff) = backoff else { return };
        let bound = backoff.value.entry("max").or_else(|| backoff.value.entry("initial"));
        let span = bound.map_or(backoff.key.span, |bound| bound.value.span);
        let message = "`max` of `backoff` is shorter than `initial`";
        let help = "they are `10s` and `5m` unless written";
        self.faults.push(Diagnostic::error(Code::E016, span, message).help(help));
    }
}

/// Keys of which there may be one, with their lines: `wait` (line 7) and `job` (line 9).
pub(super) fn placed<'a>(file: &SourceFile, keys: impl Iterator<Item = (&'a str, Span)>) -> String {
    let named = |(key, span): (&str, Span)| format!("`{key}` (line {})", file.line_of(span.start));
    keys.map(named).collect::<Vec<_>>().join(" and ")
}

fn written(stage: &Node, environment: Option<String>) -> Written<Template> {
    let environment = environment.and_then(|text| Template::text(&text).ok());
    match (stage.entry("environment"), environment) {
        (Some(entry), Some(name)) => Written::Present(name, entry.value.span),
        (Some(_), None) => Written::Faulty,
        (None, _) if matches!(stage.content, Content::Map(_)) => Written::Absent,
        (None, _) => Written::Faulty,
    }
}
