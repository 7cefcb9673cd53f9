//! From one stage to one node, with the faults that only its type, its environment or its files
//! can show.

use super::Environments;
use crate::{
    Registry,
    diagnostic::{Code, Diagnostic, Span, quoted},
    files::{FileRequest, Files, Found},
    id::BlobName,
    pipeline::{Action, Config, Stage, Written},
    plan::{Node, Place, Timeout},
    stage::{AnyStage, EnvironmentUse, Fault, FaultCode},
    template::Template,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Makes nodes, and remembers what only all of them together can show.
pub(super) struct Compiler<'a> {
    environments: &'a Environments,
    registry: &'a Registry<dyn AnyStage>,
    files: &'a Files,
    /// Who deploys which component, by environment.
    components: BTreeMap<(String, String), (String, Span)>,
    pub(super) places: BTreeMap<String, Place>,
    pub(super) faults: Vec<Diagnostic>,
}

/// The files of one node.
#[derive(Default)]
struct Pinned {
    files: BTreeMap<String, BlobName>,
    patterns: BTreeMap<String, Vec<String>>,
    /// Where patterns stand for which nothing was found.
    missing: Vec<Span>,
}

impl<'a> Compiler<'a> {
    pub(super) fn new(
        environments: &'a Environments,
        registry: &'a Registry<dyn AnyStage>,
        files: &'a Files,
    ) -> Compiler<'a> {
        Compiler {
            environments,
            registry,
            files,
            components: BTreeMap::new(),
            places: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// The node of a stage; none if a fault stands against it.
    pub(super) fn node(&mut self, stage: &Stage) -> Option<Node> {
        let environment = self.environment(stage);
        let mut node = None;
        for action in &stage.actions {
            node = self.action(stage, action, environment);
        }
        node
    }

    /// The name of the stage's environment, after it has been placed.
    fn environment<'s>(&mut self, stage: &'s Stage) -> Option<&'s str> {
        let (name, span) = match &stage.environment {
            Written::Present(name, span) => (name, *span),
            Written::Absent | Written::Faulty => return None,
        };
        match self.environments.place(name) {
            Ok(place) => {
                self.places.insert(name.clone(), place);
                Some(name)
            }
            Err(unknown) => {
                let message = format!("{} is no environment", quoted(name));
                let fault = Diagnostic::error(Code::E016, span, message);
                self.faults.push(fault.help(unknown.to_string()));
                None
            }
        }
    }

    fn action(
        &mut self,
        stage: &Stage,
        action: &Action,
        environment: Option<&str>,
    ) -> Option<Node> {
        let Some(implementation) = self.registry.get(&action.stage_type) else {
            let message = format!("unknown key {}", quoted(&action.stage_type));
            self.faults.push(Diagnostic::error(Code::E001, action.key_span, message));
            return None;
        };
        self.check_environment(stage, action, implementation);
        let config = match &action.config {
            Config::Sound(config) => config,
            Config::Faulty => return None,
        };
        let pinned = self.pin(action);
        self.check(action, implementation.check(config, self.files), &pinned.missing);
        if let (Some(environment), Some(component)) =
            (environment, implementation.component(config))
        {
            self.claim(stage, action, (environment.to_owned(), component));
        }
        Some(node(stage, implementation, (action, config), pinned))
    }

    fn check_environment(&mut self, stage: &Stage, action: &Action, implementation: &dyn AnyStage) {
        match (implementation.traits().environment, &stage.environment) {
            (EnvironmentUse::Required, Written::Absent) => {
                let action_type = &action.stage_type;
                let message = format!("stage {} lacks `environment`", quoted(&stage.id));
                let fault = Diagnostic::error(Code::E016, action.key_span, message)
                    .label(format!("`{action_type}` must know where it acts"))
                    .help("name the namespace: `environment: staging`");
                self.faults.push(fault);
            }
            (EnvironmentUse::Required, Written::Present(..) | Written::Faulty)
            | (EnvironmentUse::Optional, _) => {}
        }
    }

    fn pin(&mut self, action: &Action) -> Pinned {
        let mut pinned = Pinned::default();
        for request in action.files(self.registry) {
            match self.files.found(&request.pattern) {
                Found::Paths(paths) => self.pin_paths(&mut pinned, request, paths),
                Found::Nothing { reason } => {
                    let span = action.value_span(&request.place);
                    pinned.missing.push(span);
                    let message = format!("nothing to read at {}", quoted(&request.pattern));
                    self.faults.push(Diagnostic::error(Code::E011, span, message).help(reason));
                }
            }
        }
        pinned
    }

    fn pin_paths(&self, pinned: &mut Pinned, request: FileRequest, paths: Vec<String>) {
        let known = |path: &String| Some((path.clone(), self.files.file(path)?.name.clone()));
        pinned.files.extend(paths.iter().filter_map(known));
        pinned.patterns.insert(request.pattern, paths);
    }

    /// Tells what a stage type found, but for files of which it was told that they are missing.
    fn check(&mut self, action: &Action, found: Vec<Fault>, missing: &[Span]) {
        let found = found.into_iter().map(|fault| diagnostic(action, fault));
        let is_told = |it: &Diagnostic| it.code == Code::E011 && missing.contains(&it.primary.span);
        self.faults.extend(found.filter(|fault| !is_told(fault)));
    }

    fn claim(&mut self, stage: &Stage, action: &Action, key: (String, String)) {
        let span = action.key_span;
        let Some((other, first)) = self.components.get(&key) else {
            self.components.insert(key, (stage.id.clone(), span));
            return;
        };
        let (environment, component) = (quoted(&key.0), quoted(&key.1));
        let message = format!(
            "stages {} and {} deploy component {component} to {environment}",
            quoted(other),
            quoted(&stage.id),
        );
        let fault = Diagnostic::error(Code::E018, span, message)
            .label("the second")
            .also(*first, "the first")
            .help("give one of them another `component`");
        self.faults.push(fault);
    }
}

fn node(
    stage: &Stage,
    implementation: &dyn AnyStage,
    (action, config): (&Action, &Value),
    pinned: Pinned,
) -> Node {
    let traits = implementation.traits();
    Node {
        id: stage.id.clone(),
        name: stage.name.clone().unwrap_or_else(|| stage.id.clone()),
        description: stage.description.clone(),
        stage_type: action.stage_type.clone(),
        needs: stage.needs.iter().map(|placed| placed.need.clone()).collect(),
        environment: match &stage.environment {
            Written::Present(name, _) => Some(name.clone()),
            Written::Absent | Written::Faulty => None,
        },
        timeout: stage.timeout_ms.map_or(traits.default_timeout, Timeout::AfterMs),
        retry: stage.retry.clone(),
        on_failure: stage.on_failure,
        effect: traits.effect,
        config: Template::literal(config),
        files: pinned.files,
        patterns: pinned.patterns,
    }
}

fn diagnostic(action: &Action, fault: Fault) -> Diagnostic {
    let value = action.value_span(&fault.place);
    let (code, span) = match fault.code {
        FaultCode::Format => (Code::E008, value),
        FaultCode::Manifest => (Code::E011, value),
        FaultCode::Value => (Code::E016, value),
        FaultCode::Image => (Code::E017, action.key_span(&fault.place)),
    };
    Diagnostic::error(code, span, fault.message).maybe_help(fault.help)
}
